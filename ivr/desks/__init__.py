"""Desks: the station's services for an official or a citizen on the phone."""
