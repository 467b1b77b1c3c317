"""The station's processes: each module puts one process together from the rooms, and `supervision` runs them all.

Composition only: a rule about calls, broadcasts or cases belongs to its own room.
"""
