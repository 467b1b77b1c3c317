"""The pages of the numbers that people dial."""
