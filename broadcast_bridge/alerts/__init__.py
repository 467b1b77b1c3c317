"""Alerts of the Common Alerting Protocol (CAP 1.2): parsing, authentication, geography and decisions.

The result is a decision with a priority; the studio plays it.
"""
