"""Publication duties: the register of a quarter, one duty with its proof, certificates."""
