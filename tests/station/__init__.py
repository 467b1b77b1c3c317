"""Real calls through a whole running station, judged by the sound that arrived and by what the log says."""
