"""Reconciliation of the database with a district file: adds and changes entries in one transaction."""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.models import Speaker, Zone, official_zones
from broadcast_bridge.source_system.models import Source
from feedback.models import AnswerTemplate, Category, Department
from haichieu import audit
from haichieu.database import Base, Database, now
from haichieu.district import tables
from haichieu.district.apply_report import Action, ApplyReport
from haichieu.district.file import read_district
from haichieu.district.schema import District, StationTable
from haichieu.people import Account, Official, Unit
from haichieu.phone_sign_in import lift_locks
from haichieu.prepared_hashes import PreparedHashes
from haichieu.sign_in_counters import account_identity, lift
from haichieu.sip.models import Phone, Trunk
from haichieu.speech.pronunciations import Pronunciation
from haichieu.station import Station
from haichieu.units.models import FormerName
from haichieu.vault import Vault
from ivr.calls.routing import Number

R = TypeVar("R", bound=Base)


class _DryRun(Exception):
    """Carries the report out of a transaction that must not be committed."""


def apply_file(
    database: Database, vault: Vault, path: Path, flows: Collection[str], *, dry_run: bool, prune: bool, actor: str
) -> ApplyReport:
    """Make the database match the file at `path`; return what changed.

    Without `prune`, entries that are not in the file are kept. Raises DistrictFileError, and then,
    as in a dry run, nothing has changed.
    """
    district = read_district(path, flows)
    report = ApplyReport(dry_run)
    hashes = _prepared_hashes(database, district)
    try:
        with database.session() as session:
            _Reconciler(session, vault, report, hashes, prune=prune).run(district)
            for change in report.made:
                audit.record(session, actor, f"apply.{change.action}", f"{change.table}:{change.key}")
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    return report


def _prepared_hashes(database: Database, district: District) -> PreparedHashes:
    """Compare and hash every PIN and password of the file, before the database is locked."""
    with database.reading() as session:
        pins = {code: found for code, found in session.execute(sa.select(Official.code, Official.pin_hash))}
        passwords = {email: found for email, found in session.execute(sa.select(Account.email, Account.password_hash))}
    hashes = PreparedHashes()
    for official in district.officials:
        hashes.prepare(pins.get(official.code), official.pin)
    for account in district.accounts:
        hashes.prepare(passwords.get(account.email), account.password)
    return hashes


class _Reconciler:
    """One run in one transaction."""

    def __init__(
        self, session: Session, vault: Vault, report: ApplyReport, hashes: PreparedHashes, *, prune: bool
    ) -> None:
        self._session = session
        self._vault = vault
        self._values = tables.Values(session, vault, hashes)
        self._report = report
        self._prune = prune
        self._gone: list[tuple[str, str, Base]] = []

    def run(self, district: District) -> None:
        """Add and change referenced entries before those that refer to them, and remove in the opposite order."""
        self._station(district)
        values = self._values
        self._match(Unit, "units", "code", district.units, values.unit)
        # A unit may precede its parent in the file.
        self._match(Unit, "units", "code", district.units, values.unit_with_parent, remove=False)
        self._match(Department, "departments", "code", district.departments, values.department)
        self._match(Category, "categories", "code", district.categories, values.category)
        templates = district.answer_templates
        self._match(AnswerTemplate, "answer_templates", "code", templates, values.answer_template)
        self._match(Speaker, "speakers", "code", district.speakers, values.speaker)
        self._match(Zone, "zones", "code", district.zones, values.zone)
        self._match(Official, "officials", "code", district.officials, values.official)
        self._match(Number, "numbers", "number", district.numbers, values.number)
        self._match(Phone, "phones", "code", district.phones, values.phone)
        self._match(Trunk, "trunks", "code", district.trunks, values.trunk)
        self._match(Pronunciation, "pronunciations", "written", district.pronunciations, values.pronunciation)
        self._match(Source, "sources", "code", district.sources, values.source)
        self._match(Account, "accounts", "email", district.accounts, values.account)
        self._remove_what_is_gone()

    def _station(self, district: District) -> None:
        """Create or change the station; a file without [station] leaves an existing one unchanged."""
        station = self._session.get(Station, 1)
        if station is None:
            station = Station(id=1)
            self._session.add(station)
            self._session.flush()
            self._report.note("station", station.name, Action.ADDED)
            tables.set_values(station, self._values.station(station, district.station or StationTable()))
        elif district.station and (
            fields := tables.set_values(station, self._values.station(station, district.station))
        ):
            self._report.note("station", district.station.name, Action.CHANGED, *fields)

    def _match(
        self,
        model: type[R],
        table: str,
        key: str,
        entries: Iterable[Any],
        values: Callable[[R, Any], Mapping[str, object]],
        *,
        remove: bool = True,
    ) -> None:
        rows: dict[str, R] = {getattr(row, key): row for row in self._session.scalars(sa.select(model))}
        for entry in entries:
            name = tables.key_of(entry)
            row = rows.pop(name, None)
            if isinstance(row, Unit) and row.retired_at is not None:
                self._report.note_once(table, name, Action.MERGED)
                continue
            named = row.name if isinstance(row, Unit) else ""
            if row is None or tables.leaves_its_key(self._session, row, getattr(entry, "name", "")):
                row = model(**{key: name})
                with self._session.no_autoflush:
                    tables.set_values(row, values(row, entry))
                self._session.add(row)
                self._report.note(table, name, Action.ADDED)
            elif (fields := tables.set_values(row, values(row, entry))) and not self._report.has_added(table, name):
                self._report.note(table, name, Action.CHANGED, *fields)
                self._lift_locks(row, fields)
                if isinstance(row, Unit) and "name" in fields:
                    self._session.add(FormerName(unit_id=row.id, name=named, until=now()))
        self._session.flush()
        if remove:
            self._gone += [(table, name, row) for name, row in rows.items()]

    def _lift_locks(self, row: Base, fields: Collection[str]) -> None:
        if isinstance(row, Official) and "pin" in fields:
            lift_locks(self._session, self._vault, row)
        if isinstance(row, Account) and "password" in fields:
            lift(self._session, self._vault, account_identity(row.email))

    def _remove_what_is_gone(self) -> None:
        for table, name, row in reversed(self._gone):
            if tables.is_out_of_use(row):
                continue
            if not self._prune:
                self._report.note(table, name, Action.NOT_IN_FILE)
            else:
                self._report.note(table, name, remove(self._session, row))


def remove(session: Session, row: Base) -> Action:
    """Delete a row; retire or keep it if other rows, mostly the log, refer to it."""
    try:
        with session.begin_nested():
            session.delete(row)
            session.flush()
    except sa.exc.IntegrityError:
        session.refresh(row)
        return retire(session, row)
    return Action.REMOVED


def retire(session: Session, row: Base) -> Action:
    """Take an entry out of use that other rows refer to; its row stays."""
    if isinstance(row, Speaker | Zone | Source):
        row.removed_at = now()
    elif isinstance(row, Official):
        row.may, row.pin_hash, row.call_back, row.phones = [], "", False, []
        session.execute(sa.delete(official_zones).where(official_zones.c.official_id == row.id))
    else:
        return Action.IN_USE
    return Action.RETIRED
