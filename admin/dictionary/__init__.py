"""The pronunciation dictionary on a page."""
