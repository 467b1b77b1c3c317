"""The ground floor: settings, database, media, audio, ARI, people, audit trail and the command line."""

VERSION = "0.2.0"
"""As in pyproject.toml; the station may run without being installed."""
