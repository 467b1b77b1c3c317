"""Settings of the station as a whole: its own, phones, trunks, casework, alert sources and sources."""
