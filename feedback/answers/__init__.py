"""Delivery of answers by a call of the station and on the loudspeakers."""
