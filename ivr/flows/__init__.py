"""Call flows: definition, linter, interpreter and the session of one run.

The built-in flows are the JSON files in this folder.
"""
