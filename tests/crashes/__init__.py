"""What is left after a crash, an order to stop, or with half of the station missing."""
