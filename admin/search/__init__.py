"""Search over everything in the visitor's units."""
