"""Transcription: speech recognition engines, rules for trusting them, and the jobs that use them."""
