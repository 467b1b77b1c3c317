"""The red action: the siren and a message over everything else, in two steps."""
