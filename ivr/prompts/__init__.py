"""Prompts: built-in texts per language, custom texts and recordings, and the sounds made of them.

The built-in texts are the TOML files in this folder.
"""
