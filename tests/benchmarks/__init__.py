"""Benchmarks against Asterisk's own applications, in the same Asterisk and the same run. Figures, never verdicts."""
