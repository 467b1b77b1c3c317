"""Forms and tables for entries of the district file."""
