"""Simulated calls: flows run without a telephone, with scripted keys and desks in memory."""
