"""Single entries of a district: a speaker, a zone or an official from a form or from a line of a table.

The rules are those of the district file (`haichieu.district.schema`); references are looked up in the database instead
of the file.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.orm import Session, object_session

from broadcast_bridge.models import Speaker, Zone
from feedback.models import Department
from haichieu import audit
from haichieu.database import Base
from haichieu.district import schema
from haichieu.district.cells import cleaned, decimal, tick
from haichieu.district.route_lines import line_of_route, read_route
from haichieu.district.tables import Values, is_out_of_use, key_of, leaves_its_key, set_values
from haichieu.errors import NotAllowed, UsageError
from haichieu.locale import Message, message
from haichieu.people import Account, Official, OfficialPhone, Right, Role, Unit, live_unit
from haichieu.phone_sign_in import lift_locks
from haichieu.pins import LENGTH
from haichieu.prepared_hashes import PreparedHashes
from haichieu.pydantic_messages import message_of_detail
from haichieu.sip.models import Phone, Trunk
from haichieu.station import the_station
from haichieu.vault import Vault
from ivr.calls.routing import Number, known_flows, routes_of

Texts = Mapping[str, Sequence[str]]
"""The typed values by field name; a list has several."""

Allow = Callable[[Session, Any], None]
"""Raises NotAllowed unless the person may change the row."""

LISTS = {"codecs", "units", "speakers", "phones", "zones", "may"}
LISTS |= {"languages", "keywords", "hosts", "file_hosts", "senders"}
_TICKS = {"call_back", "missed_call_back", "author_may_approve", "encrypted"}
_TICKS |= {"register", "withhold_number", "outbound", "texts", "speaks_exercises", "enabled"}
_NUMBERS = {"volume_db", "latitude", "longitude", "answer_seconds"}
_WHOLE_NUMBERS = {"answer_within_days", "poll_seconds", "feed_seconds", "silent_minutes"}
_CHOICES = {"qualify", "behind_nat", "dial_ahead"}
"""Ticks with a third answer: without one, the station finds out."""
CHOICES = {
    "may": {str(right): f"panel.right.{right}" for right in Right},
    "role": {str(role): f"panel.role.{role}" for role in Role},
}
"""Values of a field that have a name for people, with its message."""
AS_TYPED = {"password", "secret"}
"""Not corrected: people type it elsewhere as they typed it here."""


@dataclass(frozen=True)
class Written:
    """A field that is typed in another form than it is stored: from typed values, and back from a row.

    `wrong` yields what is wrong with the typed values before they are read.
    """

    read: Callable[[Sequence[str]], object]
    show: Callable[[Any], object]
    wrong: Callable[[Sequence[str]], Iterable[Message]] = lambda _: ()


Check = Callable[[Session, Any, Any, Vault], Iterable[tuple[str, Message]]]
"""Yields conflicts of an entry with others, by field; its row is None for a new one."""


@dataclass(frozen=True)
class Kind:
    """A table of the file and its rows; `name` is used in the audit trail."""

    name: str
    model: type[Base]
    key: str
    entry: type[schema.Table]
    values: Callable[[Values, Any, Any], Mapping[str, object]]
    secret: str = ""
    """The field that may be left out where the row has one already."""
    locked: str = ""
    """The column in which that field is stored encrypted."""
    goes_with: str = ""
    """The field without which there is no secret: a stored one is deleted when it is emptied."""
    written: Mapping[str, Written] = field(default_factory=dict)
    check: Check = lambda *_: ()


SPEAKER = Kind("speaker", Speaker, "code", schema.SpeakerTable, Values.speaker, "password", "password_locked")
ZONE = Kind("zone", Zone, "code", schema.ZoneTable, Values.zone)
OFFICIAL = Kind("official", Official, "code", schema.OfficialTable, Values.official, "pin")
ACCOUNT = Kind("account", Account, "email", schema.AccountTable, Values.account, "password")
NUMBER = Kind("number", Number, "number", schema.NumberTable, Values.number)
UNIT = Kind("unit", Unit, "code", schema.UnitTable, Values.unit)

SIP_ACCOUNTS: tuple[type[Base], ...] = (Speaker, Phone, Trunk)
"""Accounts of one SIP server: no two have the same name."""
HASHED = {"pin": ("pin_hash", "730518264913"), "password": ("password_hash", "no password at all")}
"""Columns that cannot be read back, and placeholders for validating the rest of an entry."""


class EntryRefused(UsageError):
    """The entry is invalid; `problems` are the messages by field ("" is the entry as a whole)."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        super().__init__(Message.lines(problems.values()))
        self.problems = dict(problems)


def field_of(place: tuple[str | int, ...]) -> str:
    """Return the form field of a mistake; "routes.0" is the first route."""
    return ".".join(str(part) for part in (place[:2] if place[:1] == ("routes",) else place[:1]))


def key_field(kind: Kind) -> str:
    """Return the field that contains the key; empty for the station itself, which has none."""
    return next((name for name in ("id", "code", "number", "email") if name in kind.entry.model_fields), "")


def _message_of(error: ErrorDetails, typed: Sequence[str]) -> Message:
    """Return what is wrong; of one of several items in a list, with the item."""
    place = error["loc"]
    if place[-1:] == ("flow",) and error["type"] == "missing":
        return message("district.choose_flow")
    wrong, field = message_of_detail(error), field_of(place)
    if error["type"] == "string_too_short" and error["input"] == "" and error["ctx"]["min_length"] == 1:
        return message("district.password_needed" if field in AS_TYPED else "district.value_needed")
    if error["type"] == "literal_error" and field in CHOICES:
        named = tuple(Message(key) for key in CHOICES[field].values())
        wrong = message("base.value.literal_error", values=named)
    if field in LISTS and len(place) > 1 and len(typed) > 1:
        return message("district.value_in_list", value=str(error["input"])[:40], problem=wrong)
    return wrong


def _by_field(problems: Iterable[tuple[str, Message]]) -> dict[str, Message]:
    """Return every problem of every field; those of one field on lines of one message."""
    found: dict[str, list[Message]] = {}
    for name, wrong in problems:
        if wrong not in found.setdefault(name, []):
            found[name].append(wrong)
    return {name: several[0] if len(several) == 1 else Message.lines(several) for name, several in found.items()}


def find_row(session: Session, kind: Kind, key: str) -> Any:
    """Return the row with this key, None when there is none."""
    return session.scalar(sa.select(kind.model).where(getattr(kind.model, kind.key) == key))


def read_entry(kind: Kind, texts: Texts) -> Any:
    """Parse and validate the typed values. Raises EntryRefused."""
    content: dict[str, object] = {}
    unclear: dict[str, Message] = {}
    for own, info in kind.entry.model_fields.items():
        name = info.alias or own
        typed = [text.strip() if name in AS_TYPED else cleaned(text) for text in texts.get(name, ())]
        given = [text for text in typed if text]
        if name in kind.written:
            content[name] = kind.written[name].read(given)
            if faults := list(kind.written[name].wrong(given)):
                unclear[name] = Message.lines(faults)
        elif name == "routes":
            content[name] = [read_route(line) for line in given]
        elif name in LISTS:
            content[name] = given
        elif name in _TICKS | _CHOICES:
            meaning = tick(given[0]) if given else None
            content[name] = meaning if name in _CHOICES else bool(meaning)
            if given and meaning is None:
                unclear[name] = message("district.value.yes_or_no", value=given[0][:40])
        elif given or info.is_required():
            text = given[0] if given else ""
            whole = name in _WHOLE_NUMBERS and text.isascii() and text.isdigit() and len(text) < 10
            content[name] = int(text) if whole else decimal(text) if name in _NUMBERS else text
    if kind is SPEAKER and not content.get("codecs"):
        del content["codecs"]
    try:
        entry = kind.entry.model_validate(content)
    except ValidationError as problem:
        wrong = _by_field(
            (field_of(one["loc"]), _message_of(one, texts.get(field_of(one["loc"]), ()))) for one in problem.errors()
        )
        raise EntryRefused(wrong | unclear) from None
    if unclear:
        raise EntryRefused(unclear)
    return entry


def save(
    session: Session,
    vault: Vault,
    kind: Kind,
    texts: Texts,
    actor: str,
    row: Any = None,
    hashes: PreparedHashes | None = None,
    allow: Allow | None = None,
) -> Any:
    """Add an entry, or change the row; return the row. An omitted secret stays unchanged.

    A retired row with the same key is put back into use, if `allow` does not raise NotAllowed for it. `hashes` contains
    the hash of a new PIN or password. Raises EntryRefused, and then nothing has changed.
    """
    hashes = hashes or PreparedHashes()
    kept, texts = _with_stored_secret(kind, vault, texts, row)
    unknown = _by_field(_unknown_places(session, kind, texts))
    try:
        entry = read_entry(kind, texts)
    except EntryRefused as refusal:
        raise EntryRefused({**unknown, **refusal.problems}) from None
    key = key_of(entry)
    problems = {**unknown, **_by_field(_wrong_in_the_district(session, kind, entry, row, vault))}
    if kept and kind is OFFICIAL and row.short_pin and not entry.call_back:
        problems["call_back"] = message("district.short_pin_stored", digits=LENGTH)
    if row is None or str(getattr(row, kind.key)) != key:
        there = find_row(session, kind, key)
        if row is not None or (there is not None and not _may_be_used_again(session, there, allow)):
            problems[key_field(kind)] = message("district.key_taken", key=key)
        row = there
    if problems:
        raise EntryRefused(problems)
    if row is not None and leaves_its_key(session, row, getattr(entry, "name", "")):
        row = None
    is_new = row is None
    if is_new:
        row = kind.model(**{kind.key: key})
    if kept:
        hashes.keep(getattr(row, kept), getattr(entry, kind.secret))
    with session.no_autoflush:
        values = dict(kind.values(Values(session, vault, hashes), row, entry))
        if kept:
            values.pop("short_pin", None)
        fields = set_values(row, values)
    session.add(row)
    session.flush()
    if fields:
        action = f"{kind.name}.{'add' if is_new else 'change'}"
        audit.record(session, actor, action, f"{kind.name}:{key}", fields=", ".join(fields))
    if kind is OFFICIAL and "pin" in fields:
        lift_locks(session, vault, row)
    return row


def _may_be_used_again(session: Session, row: Any, allow: Allow | None) -> bool:
    if not is_out_of_use(row):
        return False
    try:
        if allow is not None:
            allow(session, row)
    except NotAllowed:
        return False
    return True


def texts_of(kind: Kind, row: Any) -> dict[str, list[str]]:
    """Return a row as typed values, without its secrets."""
    values: dict[str, object] = {}
    for own, info in kind.entry.model_fields.items():
        name = info.alias or own
        if name == kind.secret or name == "multicast_by_priority":
            continue
        if name in kind.written:
            values[name] = kind.written[name].show(row)
        elif name in ("id", "code", "number", "email") and name == key_field(kind):
            values[name] = getattr(row, kind.key)
        elif name == "unit":
            values[name] = _unit_of(row).code
        elif name in ("units", "zones", "speakers"):
            values[name] = sorted(one.code for one in getattr(row, name))
        elif name == "routes":
            values[name] = [line_of_route(route) for route in routes_of(row)]
        elif name == "phones":
            values[name] = [phone.number for phone in row.phones]
        elif name in _CHOICES:
            values[name] = {True: "yes", False: "no", None: None}[getattr(row, name)]
        elif hasattr(row, name):
            values[name] = getattr(row, name)
    return {name: _typed(value) for name, value in values.items()}


def mark_of(texts: Texts) -> str:
    """Return a digest of a form's initial values, to detect a concurrent change."""
    return hashlib.sha256(repr(sorted((name, list(value)) for name, value in texts.items())).encode()).hexdigest()


def _unit_of(row: Any) -> Unit:
    """Return the unit of a row, or the one that it was merged into since the row was taken out of use."""
    session = object_session(row)
    unit: Unit = row.unit
    return unit if session is None else live_unit(session, unit)


def _typed(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["yes"] if value else []
    if value is None or value == "":
        return []
    return [f"{value:g}" if isinstance(value, float) and abs(value) < 100 and value == round(value, 2) else str(value)]


def _with_stored_secret(kind: Kind, vault: Vault, texts: Texts, row: Any) -> tuple[str, Texts]:
    """Return the column to leave unchanged, and the typed values with the stored secret if none was typed."""
    if not kind.secret or row is None or any(text.strip() for text in texts.get(kind.secret, ())):
        return "", texts
    if kind.locked:
        stored = getattr(row, kind.locked)
        if not stored or (kind.goes_with and not any(text.strip() for text in texts.get(kind.goes_with, ()))):
            return "", texts
        return "", {**texts, kind.secret: [vault.unlock(stored)]}
    column, stand_in = HASHED[kind.secret]
    return column, {**texts, kind.secret: [stand_in]}


def _wrong_in_the_district(
    session: Session, kind: Kind, entry: Any, row: Any, vault: Vault
) -> Iterator[tuple[str, Message]]:
    """Yield conflicts between this entry and others, by field."""
    yield from kind.check(session, entry, row, vault)
    if kind.model in SIP_ACCOUNTS:
        for model in SIP_ACCOUNTS:
            if model is not kind.model and session.scalar(sa.select(model.id).where(model.code == entry.id)):  # type: ignore[attr-defined]
                yield "id", message("district.id_taken", table=message(f"district.table.{model.__tablename__}"))
    if kind is ZONE and not entry.units and not entry.speakers:
        yield "", message("district.zone_needs_places")
    if kind is OFFICIAL:
        for number in entry.phones:
            owner = session.scalar(sa.select(Official).join(OfficialPhone).where(OfficialPhone.number == number))
            if owner is not None and owner is not row and owner.code != entry.code:
                yield "phones", message("district.phone_taken", number=number, owner=owner.code)
        if len(set(entry.phones)) < len(entry.phones):
            yield "phones", message("district.phone_twice")
    if kind is NUMBER:
        flows = known_flows(session)
        for field, flow in (("flow", entry.flow), *((f"routes.{at}", one.flow) for at, one in enumerate(entry.routes))):
            if flow not in flows:
                yield field, message("district.no_flow", flow=flow)
        if entry.number == the_station(session).emergency_number:
            yield "number", message("district.is_emergency_number")


def _unknown_places(session: Session, kind: Kind, texts: Texts) -> Iterator[tuple[str, Message]]:
    """Yield units, zones and speakers that there are not, by field; also beside other mistakes of the entry."""
    known = {
        "unit": sa.select(Unit.code),
        "units": sa.select(Unit.code),
        "zones": sa.select(Zone.code).where(Zone.removed_at.is_(None)),
        "speakers": sa.select(Speaker.code).where(Speaker.removed_at.is_(None)),
        "department": sa.select(Department.code),
    }
    for name in (known.keys() & kind.entry.model_fields.keys()) - (kind.written.keys() - {"department"}):
        typed = {cleaned(text) for text in texts.get(name, ())} - {""}
        if typed and (missing := sorted(typed - set(session.scalars(known[name])))):
            yield name, message("district.not_there", codes=tuple(missing))
