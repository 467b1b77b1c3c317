"""The verbs a flow is made of, one module each: the shape of its node, and what it does."""
