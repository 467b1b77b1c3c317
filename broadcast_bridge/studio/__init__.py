"""Live audio: bridges, speaker legs, sound sources, recordings and levels of broadcasts on air."""
