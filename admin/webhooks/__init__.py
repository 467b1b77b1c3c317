"""Webhooks of other services, authenticated by signatures."""
