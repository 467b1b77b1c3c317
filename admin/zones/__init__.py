"""Zone pages: members, quiet hours, muting."""
