"""Pages of officials: zones, phones and PINs."""
