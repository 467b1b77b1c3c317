"""Text messages in and out: through Twilio, or as SIP MESSAGE through a GSM gateway."""
