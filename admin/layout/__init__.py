"""What every page shares: the frame and its navigation, words in both languages, static files, errors as pages."""
