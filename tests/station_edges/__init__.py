"""Real calls at the edges: speakers that are late, busy or gone, callers who leave at every step, lock-outs."""
