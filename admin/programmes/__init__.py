"""The pages of programmes: finding, making, hearing, approving them, and putting one on the air."""
