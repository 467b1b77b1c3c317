"""Zones on pages: who belongs to each, its quiet hours, silence."""
