"""The first run: from an empty station to a test call, step by step."""
