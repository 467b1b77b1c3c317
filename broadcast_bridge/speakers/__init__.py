"""Loudspeakers: zones, SIP accounts, reachability, quiet hours and the test tone."""
