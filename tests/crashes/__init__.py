"""Killed processes, orders to stop, and stations with a part missing."""
