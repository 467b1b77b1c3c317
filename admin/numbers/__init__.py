"""Pages of dialled numbers."""
