"""Schedules: recurrence, occurrences, conflicts and calendar files. Nothing here plays anything."""
