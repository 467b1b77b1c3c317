"""First run: from an empty station to a test call."""
