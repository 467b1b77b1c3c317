"""Changes of the unit tree: merging, renaming, splitting and moving units, previewed, audited and undone."""
