"""Broadcasts for pages and API: visibility, and starting one."""
