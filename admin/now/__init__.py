"""The first page: what is on air, what comes next, who cannot be reached, what waits for somebody."""
