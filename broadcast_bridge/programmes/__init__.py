"""Store of programmes: intake, approval, search, retention and surveys."""
