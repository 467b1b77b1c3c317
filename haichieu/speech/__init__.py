"""Text to speech: reading rules for official Vietnamese, synthesis, and its cache."""
