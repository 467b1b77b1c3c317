"""Repairs of speakers: list, page, and the slips for their poles."""
