"""Audio for the players of the pages."""
