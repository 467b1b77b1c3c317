"""The software loudspeaker: registers with the station, answers its calls by itself, plays or records them.

`speaker` is the loudspeaker, `outputs` where its sound goes, `controller` holds one from demo and tests. It takes
one call at a time, from its own station only: a second call is refused as busy, unless the first has been silent
for two seconds (its server died) or the second carries `Priority: emergency` (RFC 3261 §20.26).
"""
