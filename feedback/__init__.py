"""Cases, messages and their answers."""
