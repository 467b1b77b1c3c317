"""Calls in and out: reception, number routing, call-backs, booked calls and answer calls."""
