"""Broadcasts as pages and API see them: which of them somebody may see, and having one put on the air."""
