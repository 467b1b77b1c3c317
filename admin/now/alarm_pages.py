"""The page on which an alarm is dealt with, from its subject."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session

from admin.access.visitors import Visitor
from broadcast_bridge.models import Speaker
from haichieu.account_rights import Action
from haichieu.alarms import Alarm


@dataclass(frozen=True)
class AlarmLine:
    """An alarm as the overview lists it; `page` is "" when there is none for it."""

    alarm: Alarm
    page: str


_OF_NUMBER: Mapping[str, tuple[Action, Callable[[int], str]]] = {
    "broadcast": (Action.VIEW, lambda number: url_for("broadcast_page", number=number)),
    "bulletin": (Action.VIEW, lambda _: url_for("bulletins")),
    "data-request": (Action.READ_CASES, lambda _: url_for("data_requests")),
    "device": (Action.VIEW, lambda number: url_for("book_row", table="devices", number=number)),
    "duty": (Action.VIEW, lambda number: url_for("duty_page", number=number)),
    "schedule": (Action.VIEW, lambda number: url_for("schedule", number=number)),
}


def with_pages(session: Session, visitor: Visitor, alarms: Sequence[Alarm]) -> list[AlarmLine]:
    """Return the alarms with the pages that the visitor may open."""
    codes = [code for kind, code in map(_parts, alarms) if kind == "speaker"]
    found = session.execute(sa.select(Speaker.code, Speaker.id).where(Speaker.code.in_(codes)))
    speakers = {code: number for code, number in found}

    def page(alarm: Alarm) -> str:
        kind, key = _parts(alarm)
        if kind == "speaker" and key in speakers:
            return url_for("speaker", number=speakers[key])
        if kind == "case" and visitor.may(Action.READ_CASES):
            return url_for("case_page", number=key)
        if kind in _OF_NUMBER and key.isdecimal() and visitor.may(_OF_NUMBER[kind][0]):
            return _OF_NUMBER[kind][1](int(key))
        return ""

    return [AlarmLine(alarm, page(alarm)) for alarm in alarms]


def _parts(alarm: Alarm) -> tuple[str, str]:
    kind, _, key = alarm.subject.partition(":")
    return kind, key
