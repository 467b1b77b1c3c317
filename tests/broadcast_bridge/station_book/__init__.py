"""Tests of the station book's rules."""
