"""Broadcast now: a text, a recording, a file or a programme, heard and checked before it is aired."""
