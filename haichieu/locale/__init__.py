"""Messages for people: a key with fields in the code, sentences per language in one catalogue each.

`messages` is what domain code raises and stores, `catalogue` the sentences (gettext, with plurals), `rendering` turns
one into the other at the edges, and `column` stores a message in a database row.
"""

from haichieu.locale.catalogue import FALLBACK, LANGUAGES, UnknownMessage
from haichieu.locale.messages import Field, Message, message
from haichieu.locale.rendering import render, render_key

__all__ = ["FALLBACK", "LANGUAGES", "Field", "Message", "UnknownMessage", "message", "render", "render_key"]
