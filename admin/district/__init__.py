"""A district described in one file: read with every mistake named by its line, and made true in the database."""
