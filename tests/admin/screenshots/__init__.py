"""A believable district, and pictures of every page of the panel over it, for `docs/screenshots`."""
