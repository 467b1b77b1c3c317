"""Everything Asterisk reads, and where Asterisk itself comes from."""
