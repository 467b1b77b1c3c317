"""The verbs of call flows, one module each: the fields of the node, and what it does."""
