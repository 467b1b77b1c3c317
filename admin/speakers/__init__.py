"""Speaker pages: list, map, details with history, installer details."""
