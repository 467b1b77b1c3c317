"""The store of programmes: what may be played, how it got there, and who approved it."""
