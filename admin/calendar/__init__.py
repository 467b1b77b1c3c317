"""Calendar pages: weeks, months and schedules, moved days, calendar files."""
