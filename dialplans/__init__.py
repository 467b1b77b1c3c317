"""Everything Asterisk reads: configuration, accounts, the degraded dialplan, and a private Asterisk itself."""
