"""Speakers on pages: the list, the map, one speaker with its history, its account for the installer."""
