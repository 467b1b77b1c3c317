"""Pages of the station book: one set of pages for all its tables, import and export, and the yearly report."""
