"""Erasure of what one citizen has left in the spool and what no process has filed yet."""

from pathlib import Path

from dialplans.left_messages import left_messages
from dialplans.left_texts import left_text, left_texts
from dialplans.numbering import text_sender
from haichieu.database import Database
from haichieu.phone_numbers import normalise
from haichieu.sip.uri import user_of


def erase_from_spool(home: Path, database: Database, number: str) -> int:
    """Delete the texts and the messages from this number (E.164); return how many there were."""
    messages = [one for one in left_messages(home) if normalise(one.number) == number]
    with database.reading() as session:
        texts = [
            one
            for name in left_texts(home)
            if (one := left_text(home, name)) is not None
            and normalise(text_sender(session, one.source, user_of(one.sender))) == number
        ]
    for message in messages:
        message.forget()
    for text in texts:
        text.forget()
    return len(messages) + len(texts)
