"""Sounds for the players of the pages."""
