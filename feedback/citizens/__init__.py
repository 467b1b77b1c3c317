"""Citizens: encrypted numbers, export and erasure of personal data."""
