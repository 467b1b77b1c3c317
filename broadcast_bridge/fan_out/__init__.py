"""Fan-out: sends the sound of a broadcast from one thread to the speakers that Asterisk has given to it."""
