"""Broadcasts and deliveries as rules over rows: how they start, end, catch up and are reported."""
