"""Mapping of each table of the file to the columns of its rows.

A secret is only set when it differs from the stored one, since hashes and ciphertexts are different every time.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.models import AlertSource
from broadcast_bridge.alerts.sources import columns_of_source
from broadcast_bridge.models import Speaker, Zone
from broadcast_bridge.source_system.models import Source, SourcePlace
from broadcast_bridge.speakers.zones import zones_coded
from feedback.models import AnswerTemplate, Category, Department
from haichieu.database import Base, now
from haichieu.district import schema
from haichieu.district.alert_source_entry import AlertSourceTable
from haichieu.people import Account, Official, OfficialPhone, Unit, live_unit, unit_coded
from haichieu.pins import is_short
from haichieu.prepared_hashes import PreparedHashes
from haichieu.sip.models import Phone, Trunk
from haichieu.speech.pronunciations import Pronunciation
from haichieu.station import Station
from haichieu.units.former_names import was_named
from haichieu.vault import Vault
from ivr.calls.routing import Number

FILE_NAMES = {
    "password_locked": "password", "password_hash": "password", "pin_hash": "pin", "short_pin": "pin",
    "unit_id": "unit", "parent_id": "parent", "department_id": "department", "emergency_pin_locked": "emergency_pin",
    "secret_locked": "secret",
    "removed_at": "id", "external_id": "station", "places": "areas", "cursor": "address", "next_poll_at": "address",
}  # fmt: skip
"""Keys of the file whose column has a different name."""


def key_of(entry: Any) -> str:
    """Return the key of an entry of any table."""
    if isinstance(entry, schema.StationTable):
        return "1"
    for name in ("id", "code", "number", "written"):
        if (value := getattr(entry, name, None)) is not None:
            return str(value)
    return str(entry.email)


def set_values(row: Base, values: Mapping[str, object]) -> list[str]:
    """Set the values that differ; return their keys in the file."""
    changed = []
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            changed.append(FILE_NAMES.get(name, name))
    return list(dict.fromkeys(changed))


def is_out_of_use(row: Base) -> bool:
    """Return whether a row is retained only for the log."""
    if isinstance(row, Unit):
        return row.retired_at is not None
    return getattr(row, "removed_at", None) is not None or (isinstance(row, Official) and not row.pin_hash)


def leaves_its_key(session: Session, row: Base, name: str) -> bool:
    """Return whether another person takes over the code of a retired official, whose row then gets another code.

    The log names officials by their row: a row never becomes another person.
    """
    if not (isinstance(row, Official) and is_out_of_use(row)) or row.name == name:
        return False
    row.code = f"{row.code[:9]}-{row.id}"
    session.flush()
    return True


class Values:
    """Column values by table; references are looked up by code."""

    def __init__(self, session: Session, vault: Vault, hashes: PreparedHashes) -> None:
        self._session = session
        self._vault = vault
        self._hashes = hashes

    def station(self, row: Station, entry: schema.StationTable) -> Mapping[str, object]:
        """[station]."""
        return {
            "name": entry.name,
            "timezone": entry.timezone,
            "languages": list(entry.languages),
            "quiet_hours": entry.quiet_hours or "",
            "emergency_number": entry.emergency_number or "",
            "emergency_pin_locked": self._locked(row.emergency_pin_locked, entry.emergency_pin),
            "reply_hours": entry.reply_hours,
        }

    def unit(self, row: Unit, entry: schema.UnitTable) -> Mapping[str, object]:
        """[[units]], without the parent unit. A name that the unit had before a change does not bring it back."""
        name = row.name if row.id is not None and was_named(self._session, row, entry.name) else entry.name
        values = {"name": name, "level": entry.level, "author_may_approve": entry.author_may_approve}
        for own in ("households", "voice"):
            if (value := getattr(entry, own)) is not None:  # else as entered on the panel
                values[own] = value
        return values

    def unit_with_parent(self, row: Unit, entry: schema.UnitTable) -> Mapping[str, object]:
        """The parent unit, once every unit exists."""
        return {"parent_id": self._id(Unit, entry.parent) if entry.parent else None}

    def department(self, row: Department, entry: schema.DepartmentTable) -> Mapping[str, object]:
        """[[departments]]."""
        return {"name": entry.name, "email": entry.email or ""}

    def category(self, row: Category, entry: schema.CategoryTable) -> Mapping[str, object]:
        """[[categories]]."""
        return {
            "name": entry.name,
            "department_id": self._id(Department, entry.department),
            "answer_within_days": entry.answer_within_days,
            "keywords": list(entry.keywords),
        }

    def answer_template(self, row: AnswerTemplate, entry: schema.AnswerTemplateTable) -> Mapping[str, object]:
        """[[answer_templates]]."""
        return {"name": entry.name, "text": entry.text}

    def alert_source(self, row: AlertSource, entry: AlertSourceTable) -> Mapping[str, object]:
        """A source of alerts; it is no table of the file, but a form of the panel."""
        wanted = entry.as_settings(zones_coded(self._session, entry.zones))
        return columns_of_source(row, wanted, self._vault, now())

    def speaker(self, row: Speaker, entry: schema.SpeakerTable) -> Mapping[str, object]:
        """[[speakers]]; a retired one is put back into use."""
        return {
            "name": entry.name,
            "unit_id": self._id(Unit, entry.unit),
            "password_locked": self._locked(row.password_locked, entry.password),
            "multicast": entry.multicast or "",
            "multicast_by_priority": dict(entry.multicast_by_priority),
            "volume_db": entry.volume_db,
            "codecs": list(entry.codecs),
            "encrypted": entry.encrypted,
            "make": entry.make or "",
            "answer_seconds": entry.answer_seconds,
            "qualify": entry.qualify,
            "behind_nat": entry.behind_nat,
            "dial_ahead": entry.dial_ahead,
            "latitude": entry.latitude,
            "longitude": entry.longitude,
            "removed_at": None,
        }

    def zone(self, row: Zone, entry: schema.ZoneTable) -> Mapping[str, object]:
        """[[zones]]."""
        units = {unit.id: unit for code in entry.units if (unit := unit_coded(self._session, code)) is not None}
        speakers = sa.select(Speaker).where(Speaker.code.in_(entry.speakers)).order_by(Speaker.id)
        places = {
            "units": [units[number] for number in sorted(units)],
            "speakers": list(self._session.scalars(speakers)),
        }
        if row.id is not None and row.removed_at is None and self._names_retired(entry.units):
            places = {}  # a file from before the merge: the zone still reaches what it reached then
        return {"name": entry.name, **places, "quiet_hours": entry.quiet_hours, "removed_at": None}

    def official(self, row: Official, entry: schema.OfficialTable) -> Mapping[str, object]:
        """[[officials]]."""
        zones = sa.select(Zone).where(Zone.code.in_(entry.zones)).order_by(Zone.id)
        return {
            "name": entry.name,
            "title": entry.title,
            "unit_id": self._id(Unit, entry.unit),
            "phones": self._phones(row, entry.phones),
            "pin_hash": self._hashes.of(row.pin_hash, entry.pin),
            "short_pin": is_short(entry.pin),
            "zones": list(self._session.scalars(zones)),
            "may": [str(right) for right in entry.may],
            "call_back": entry.call_back,
        }

    def number(self, row: Number, entry: schema.NumberTable) -> Mapping[str, object]:
        """[[numbers]]."""
        return {
            "flow": entry.flow,
            "unit_id": self._id(Unit, entry.unit),
            "language": entry.language or "",
            "missed_call_back": entry.missed_call_back,
            "duty_phone": entry.duty_phone or "",
            "duty_hours": entry.duty_hours or "",
            "routes": [route.as_route().as_row() for route in entry.routes],
        }

    def phone(self, row: Phone, entry: schema.PhoneTable) -> Mapping[str, object]:
        """[[phones]]."""
        return {
            "name": entry.name,
            "password_locked": self._locked(row.password_locked, entry.password),
            "caller_number": entry.caller_number,
            "encrypted": entry.encrypted,
            "behind_nat": entry.behind_nat,
        }

    def trunk(self, row: Trunk, entry: schema.TrunkTable) -> Mapping[str, object]:
        """[[trunks]]."""
        return {
            "host": entry.host,
            "port": entry.port or 0,
            "hosts": list(entry.hosts),
            "transport": entry.transport,
            "proxy": entry.proxy or "",
            "domain": entry.domain or "",
            "caller_number": entry.caller_number or "",
            "withhold_number": entry.withhold_number,
            "register": entry.register_,
            "username": entry.username,
            "password_locked": self._locked(row.password_locked, entry.password),
            "outbound": entry.outbound,
            "texts": entry.texts,
            "prefix_rules": [list(rule) for rule in entry.prefix_rules],
            "ca_certificate": entry.ca_certificate,
        }

    def pronunciation(self, row: Pronunciation, entry: schema.PronunciationTable) -> Mapping[str, object]:
        """[[pronunciations]]."""
        return {"said": entry.said}

    def source(self, row: Source, entry: schema.SourceTable) -> Mapping[str, object]:
        """[[sources]]; another address is asked from the beginning, and with another account at once."""
        same = row.address == entry.address and row.external_id == entry.station
        locked = self._locked(row.password_locked, entry.password)
        same_account = same and (row.username, row.password_locked) == (entry.username, locked)
        return {
            "name": entry.name,
            "dialect": entry.dialect,
            "address": entry.address,
            "username": entry.username,
            "password_locked": locked,
            "external_id": entry.station,
            "unit_id": self._id(Unit, entry.unit),
            "places": self._places(row, entry),
            "file_hosts": list(entry.file_hosts),
            "poll_seconds": entry.poll_seconds,
            "cursor": row.cursor if same else "",
            "next_poll_at": row.next_poll_at if same_account else None,
            "removed_at": None,
        }

    def account(self, row: Account, entry: schema.AccountTable) -> Mapping[str, object]:
        """[[accounts]]."""
        return {
            "name": entry.name,
            "password_hash": self._hashes.of(row.password_hash, entry.password),
            "role": entry.role,
            "unit_id": self._id(Unit, entry.unit),
        }

    def _id(self, model: type[Unit] | type[Department], code: str) -> int:
        number = self._session.scalars(sa.select(model.id).where(model.code == code)).one()
        return live_unit(self._session, self._session.get_one(Unit, number)).id if model is Unit else number

    def _names_retired(self, codes: list[str]) -> bool:
        retired = sa.select(Unit.id).where(Unit.code.in_(codes), Unit.retired_at.is_not(None)).limit(1)
        return self._session.scalar(retired) is not None

    def _places(self, row: Source, entry: schema.SourceTable) -> list[SourcePlace]:
        """Return the ids of our units and speakers at a source; unchanged ones keep their rows."""
        wanted: dict[str, tuple[int | None, int | None]] = {
            name: (self._id(Unit, code), None) for name, code in entry.areas.items()
        }
        for name, code in entry.speakers.items():
            wanted[name] = None, self._session.scalars(sa.select(Speaker.id).where(Speaker.code == code)).one()
        kept = [one for one in row.places if wanted.get(one.external_id) == (one.unit_id, one.speaker_id)]
        if len(kept) == len(wanted) == len(row.places):
            return row.places
        changed = [one.id for one in row.places if one not in kept]
        if changed:  # an id may move from one unit to another: free it before it is taken again
            self._session.execute(sa.delete(SourcePlace).where(SourcePlace.id.in_(changed)))
            self._session.expire(row, ["places"])
        names = {one.external_id for one in kept}
        new = [
            SourcePlace(external_id=name, unit_id=unit, speaker_id=speaker)
            for name, (unit, speaker) in wanted.items()
            if name not in names
        ]
        return [*kept, *new]

    def _locked(self, kept: str | None, secret: str | None) -> str:
        if not secret:
            return ""
        return kept if kept and self._vault.try_unlock(kept) == secret else self._vault.lock(secret)

    def _phones(self, row: Official, numbers: list[str]) -> list[OfficialPhone]:
        """Return the phones in order; unchanged numbers keep their rows."""
        kept = {phone.number: phone for phone in row.phones}
        if list(kept) == numbers:
            return row.phones
        # A number may move from one official to another: free it before it is taken again.
        self._session.execute(sa.delete(OfficialPhone).where(OfficialPhone.number.in_(numbers)))
        self._session.expire_all()
        return [OfficialPhone(number=number, position=position) for position, number in enumerate(numbers)]
