"""The pages of call flows: what calls follow, the draft as a tree of steps, a trial without a telephone, publishing."""
