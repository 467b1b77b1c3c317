"""Publication duties: what the law requires to be announced, and the proof that each village heard it."""
