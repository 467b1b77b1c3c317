"""Repairs of speakers: reports of faults, one open entry per speaker, work, cost, days lost, and the proof."""
