"""Shared parts of all pages: frame, navigation, language, static files, errors."""
