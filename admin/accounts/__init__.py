"""The accounts of the panel, for who manages them."""
