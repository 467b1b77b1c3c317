"""Writing down what citizens say: engines of speech recognition, the rules for trusting them, the desk that does it."""
