"""Call flow pages: flows, draft as a tree of steps, test without a telephone, publishing."""
