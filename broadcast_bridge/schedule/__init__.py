"""When and where something is due: recurrence, occurrences, conflicts, quiet hours. Nothing here plays anything."""
