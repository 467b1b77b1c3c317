"""Cases: their life cycle, assignment, due dates, merging, search, retention and reports."""
