"""Builders of what a test begins with: places and people, programmes and schedules, cases, broadcasts, a panel.

Functions that take a session add rows to it; those that take a house commit, and return the number of the row.
"""
