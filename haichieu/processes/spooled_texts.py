"""Texts that Asterisk stored in the spool: each becomes a case, or part of one, once."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from dialplans import left_texts
from dialplans.left_texts import MOST_A_MINUTE, LeftText, left_text
from dialplans.numbering import may_text, text_sender
from feedback.texts import receipts
from feedback.texts.text_inbox import Filed, InboundText, NotOurNumber, TextInbox
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database
from haichieu.locale import message
from haichieu.phone_numbers import normalise
from haichieu.sip.uri import user_of
from haichieu.spool import LeftRecording
from haichieu.station import the_station

Say = Callable[[str, str], None]
"""Sends a text to a number, without a row."""

_NO_CHANNEL = "text"
"""A text belongs to no channel of Asterisk, and is no recording that it could still be making."""


class SpooledTexts:
    """Files the texts in the spool; see `haichieu.recording_intake`. Phones and trunks have an inbox each."""

    def __init__(self, home: Path, database: Database, phones: TextInbox, trunks: TextInbox, say: Say) -> None:
        self._home = home
        self._database = database
        self._inboxes = {"phone": phones, "trunk": trunks}
        self._say = say

    def left_recordings(self) -> list[LeftRecording]:
        """Return every text in the spool, the oldest first."""
        self._report_dropped()
        return [LeftRecording(name, _NO_CHANNEL) for name in left_texts.left_texts(self._home)]

    def is_still(self, name: str) -> bool:
        """Return whether the text is complete, or will never be."""
        return left_texts.is_finished(self._home, name)

    def take_in(self, name: str) -> str | None:
        """File one text. It leaves the spool after the commit; the digest of its ids files it once."""
        left = left_text(self._home, name)
        if left is None:
            return None
        filed = self._file(left)
        left.forget()
        return f"case {filed.case_number}" if filed.case_number else None

    def _file(self, left: LeftText) -> Filed:
        claimed = user_of(left.sender)
        with self._database.reading() as session:
            sender = text_sender(session, left.source, claimed)
            language = the_station(session).language
        inbox = self._inboxes.get(left.source, self._inboxes["trunk"])
        text = InboundText(sender, left.dialled, left.body, _id_of(left), at=left.at, whole=left.whole)
        try:
            filed = inbox.take(text)
        except NotOurNumber:
            # A phone of the station: nobody pays for this text.
            filed = Filed(say=receipts.said("not_our_number", language, number=left.dialled))
        if filed.say and normalise(sender):
            self._say(sender, filed.say)
        return filed

    def _report_dropped(self) -> None:
        for source, most in MOST_A_MINUTE.items():
            counted = left_texts.dropped(self._home, source)
            if counted is None:
                continue
            count = counted.stat().st_size
            with self._database.session() as session:
                text = message("text.flood", count=count, most=most)
                raise_alarm(session, AlarmKind.TEXTS_FAILING, f"texts:{source}", text)
            counted.unlink()


def report_refused(database: Database, endpoint: str) -> None:
    """Raise an alarm when an account sends texts that are not stored: Asterisk has accepted them nevertheless."""
    with database.reading() as session:
        if may_text(session, endpoint):
            return
    with database.session() as session:
        text = message("text.account_may_not", account=endpoint)
        raise_alarm(session, AlarmKind.TEXTS_FAILING, f"texts:{endpoint}", text)


def _id_of(left: LeftText) -> str:
    """Return the id of a text: a gateway whose text was not confirmed sends it again with the same Call-ID."""
    parts = [left.call_id, left.sequence.partition(" ")[0], user_of(left.sender), left.dialled, left.body]
    if not left.call_id:  # a file that was cut short
        parts = [left.file.name]
    return "sip:" + hashlib.sha256("\0".join(parts).encode()).hexdigest()
