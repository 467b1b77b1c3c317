"""Software loudspeaker: registers with the station, answers its calls automatically, and plays or records them.

It takes one call at a time, from its own station only. A second call is rejected as busy, unless the first has been
silent for two seconds (its server died) or the second carries `Priority: emergency` (RFC 3261 §20.26).
"""
