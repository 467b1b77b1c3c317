"""A thin, typed, asynchronous client of the Asterisk REST Interface (ARI), and the objects calls are made of."""
