"""One's own account: password, second factor, logins, API tokens."""
