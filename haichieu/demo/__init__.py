"""The demonstration and its tools: a throw-away station, scripted phones and speakers, and audio matching.

Tests and benchmarks use the same tools.
"""
