"""The pages of the calendar: weeks and months, schedules, single days otherwise, silenced zones, calendar files."""
