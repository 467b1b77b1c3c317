"""Alerts of the Common Alerting Protocol (CAP 1.2): read, authenticated, placed on the map, and decided upon.

What comes out is a decision and an emergency's rules; putting either on the air is the studio's work.
"""
