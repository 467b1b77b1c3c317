"""The district file: reading it, checking it, and making the database match it.

It knows the tables of every room and is used by the panel and the command line; it imports no web framework.
"""
