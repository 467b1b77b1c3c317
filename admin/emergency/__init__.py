"""Emergency broadcast: siren and message over everything else, in two steps."""
