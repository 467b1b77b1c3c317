"""Composition of the station's processes from the rooms; `supervision` runs them all.

Composition only: a rule about calls, broadcasts or cases belongs to its own room.
"""
