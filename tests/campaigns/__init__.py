"""Long campaigns against a running station: each is a command that prints counts, and a test of `make proof`."""
