"""Requests of citizens about their personal data: list, erasure, copy, refusal."""
