"""The pages of what the station says: every prompt, its text and its sound."""
