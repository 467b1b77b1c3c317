"""Backups of a station in one file: the database, media, recordings that are not filed yet, and secrets."""
