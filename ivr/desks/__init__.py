"""Desks: what a flow may ask of the station on behalf of an official or a citizen."""
