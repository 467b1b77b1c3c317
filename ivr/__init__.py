"""What a caller hears: call flows, the verbs they are made of, prompts, and routes from number to flow."""
