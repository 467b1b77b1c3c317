"""The unit tree and its changes."""
