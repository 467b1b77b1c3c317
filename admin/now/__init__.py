"""The overview: on air, upcoming, offline speakers, open cases."""
