"""Officials on pages: who may speak where, their phones, and their PINs on paper slips."""
