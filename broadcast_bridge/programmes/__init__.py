"""What is said: recordings, texts and the voices kept from earlier broadcasts."""
