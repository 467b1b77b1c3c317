"""What other services call: each proves by a signature that it is who it says."""
