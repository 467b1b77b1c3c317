"""The visitor's own account: password, second factor, sessions, API tokens."""
