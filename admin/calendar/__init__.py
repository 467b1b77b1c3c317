"""Calendar pages: weeks and months, schedules, moved days, muted zones, calendar files."""
