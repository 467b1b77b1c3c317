"""Pages that edit entries of the district file one at a time or as an uploaded table."""
