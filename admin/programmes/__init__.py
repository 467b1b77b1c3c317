"""Pages of programmes: search, add, listen, approve, broadcast."""
