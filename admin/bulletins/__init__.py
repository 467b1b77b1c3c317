"""Bulletins of the province: offered ones to choose, schedule or decline, and the order of those that meet ours."""
