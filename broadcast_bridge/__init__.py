"""Zones, speakers, broadcasts and deliveries, and the studio that puts a voice on the speakers."""
