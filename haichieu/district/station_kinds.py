"""Entries that belong to the station as a whole: itself, its phones and trunks, casework, alert sources and sources.

Their rules are those of the district file; `haichieu.district.entries` saves them.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, object_session

from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.alerts.sources import SourceWrong, require_that_it_can_work
from broadcast_bridge.models import Speaker
from broadcast_bridge.source_system.models import Source, SourcePlace
from feedback.models import AnswerTemplate, Category, Department
from haichieu.district import schema
from haichieu.district.alert_source_entry import AlertSourceTable
from haichieu.district.entries import Kind, Written
from haichieu.district.tables import Values
from haichieu.locale import Message, message
from haichieu.people import Unit
from haichieu.sip.models import Phone, Trunk
from haichieu.station import Station
from haichieu.vault import Vault
from ivr.calls.routing import Number

Wrong = Iterator[tuple[str, Message]]
EQUALS = "="
AREA_SAMPLE, DEVICE_SAMPLE = "01285 = CO-BA", "861234567890123 = cb-01"
"""Lines of places as an example."""
MOST_SHOWN = 15
"""Codes that a message lists."""


def _pairs(lines: Sequence[str]) -> dict[str, str]:
    """Return `name = value` lines as a dictionary; a line without a sign has no value, which is refused."""
    parts = (line.partition(EQUALS) for line in lines)
    return {name.strip(): value.strip() for name, _, value in parts}


def _wrong_pairs(sample: str, lines: Sequence[str]) -> Iterator[Message]:
    """Yield the lines without two parts, and the names that are on several lines."""
    names = [line.partition(EQUALS)[0].strip() for line in lines]
    for line in lines:
        name, _, value = line.partition(EQUALS)
        if not name.strip() or not value.strip():
            yield message("district.line_without_sign", line=line[:60], sample=sample)
    for name in dict.fromkeys(one for one in names if one and names.count(one) > 1):
        yield message("district.line_twice", name=name[:60])


def _prefix_rules(lines: Sequence[str]) -> list[list[str]]:
    """Return `+84 = 0` lines as rules; one without a second part deletes the prefix."""
    return [[part.strip() for part in line.partition(EQUALS)[::2]] for line in lines]


def _whole(given: Sequence[str]) -> int | str | None:
    text = next(iter(given), "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text or None


def _lines_of_places(row: Source, model: type[Unit] | type[Speaker]) -> list[str]:
    """Return the source's ids of our units or speakers as lines; read at once, as a source may name hundreds."""
    session = object_session(row)
    if session is None:
        return []
    ours = SourcePlace.unit_id if model is Unit else SourcePlace.speaker_id
    query = sa.select(SourcePlace.external_id, model.code).join(model, model.id == ours)
    found = session.execute(query.where(SourcePlace.source_id == row.id).order_by(SourcePlace.external_id))
    return [f"{name} {EQUALS} {code}" for name, code in found]


def _station(session: Session, entry: schema.StationTable, row: Any, vault: Vault) -> Wrong:
    number = entry.emergency_number
    if number and session.scalar(sa.select(Number.id).where(Number.number == number)):
        yield "emergency_number", message("district.emergency_number_taken")


def _phone(session: Session, entry: schema.PhoneTable, row: Phone | None, vault: Vault) -> Wrong:
    owner = session.scalar(sa.select(Phone).where(Phone.caller_number == entry.caller_number))
    if owner is not None and owner is not row:
        yield "caller_number", message("district.caller_number_taken")


def _source(session: Session, entry: schema.SourceTable, row: Any, vault: Vault) -> Wrong:
    units, speakers = sa.select(Unit.code), sa.select(Speaker.code).where(Speaker.removed_at.is_(None))
    known, usual = set(session.scalars(units)), units.where(Unit.retired_at.is_(None))
    for said in _unknown_codes(session, "district.line_unit_unknown", entry.areas, known, usual):
        yield "areas", said
    known = set(session.scalars(speakers))
    for said in _unknown_codes(session, "district.line_speaker_unknown", entry.speakers, known, speakers):
        yield "speakers", said


def _unknown_codes(
    session: Session, key: str, places: Mapping[str, str], known: Collection[str], usual: sa.Select[str]
) -> Iterator[Message]:
    """Yield a message for each line whose code is not known, with the codes that can be meant."""
    wrong = {place: code for place, code in places.items() if code not in known}
    shown: list[str] = sorted(session.scalars(usual)) if wrong else []
    allowed: tuple[str, ...] = (*shown[:MOST_SHOWN], *(["…"] if len(shown) > MOST_SHOWN else []))
    for place, code in wrong.items():
        yield message(key, line=f"{place} {EQUALS} {code}"[:60], code=code, known=allowed)


def _alert_source(session: Session, entry: AlertSourceTable, row: Any, vault: Vault) -> Wrong:
    try:
        require_that_it_can_work(entry.as_settings([]))
    except SourceWrong as refusal:
        yield "", refusal.message


STATION = Kind(
    "station", Station, "id", schema.StationTable, Values.station, "emergency_pin", "emergency_pin_locked",
    "emergency_number", check=_station,
)  # fmt: skip
PHONE = Kind("phone", Phone, "code", schema.PhoneTable, Values.phone, "password", "password_locked", check=_phone)
TRUNK = Kind(
    "trunk", Trunk, "code", schema.TrunkTable, Values.trunk, "password", "password_locked", "username",
    written={
        "port": Written(_whole, lambda row: row.port or None),
        "prefix_rules": Written(_prefix_rules, lambda row: [f" {EQUALS} ".join(rule) for rule in row.prefix_rules]),
    },
)  # fmt: skip
DEPARTMENT = Kind("department", Department, "code", schema.DepartmentTable, Values.department)
CATEGORY = Kind(
    "category", Category, "code", schema.CategoryTable, Values.category,
    written={"department": Written(lambda given: next(iter(given), ""), lambda row: row.department.code)},
)  # fmt: skip
ANSWER_TEMPLATE = Kind("answer-template", AnswerTemplate, "code", schema.AnswerTemplateTable, Values.answer_template)
ALERT_SOURCE = Kind(
    "alert-source", AlertSource, "code", AlertSourceTable, Values.alert_source, "secret", "secret_locked",
    check=_alert_source,
)  # fmt: skip
SOURCE = Kind(
    "source", Source, "code", schema.SourceTable, Values.source, "password", "password_locked", check=_source,
    written={
        "areas": Written(_pairs, lambda row: _lines_of_places(row, Unit), partial(_wrong_pairs, AREA_SAMPLE)),
        "speakers": Written(_pairs, lambda row: _lines_of_places(row, Speaker), partial(_wrong_pairs, DEVICE_SAMPLE)),
        "station": Written(lambda given: next(iter(given), ""), lambda row: row.external_id),
    },
)  # fmt: skip
