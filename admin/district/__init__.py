"""The district file in the panel."""
