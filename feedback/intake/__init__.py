"""Intake: spoken messages and missed calls become cases, and cases are filed."""
