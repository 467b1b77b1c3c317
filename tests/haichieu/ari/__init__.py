"""The ARI client against a real Asterisk."""
