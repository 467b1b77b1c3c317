"""Web Push (RFC 8030, 8291, 8292) for alarms, approvals and urgent cases, and the installable app."""
