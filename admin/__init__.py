"""The web process: health, metrics and the panel."""
