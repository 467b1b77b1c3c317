"""Checks of the project's own rules for words, as programs and with their tests."""
