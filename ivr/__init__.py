"""Call flows: verbs, prompts, desks, and the routes from numbers to flows."""
