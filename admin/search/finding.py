"""Finding cases, speakers, devices, officials, programmes and numbers of a visitor by words, a few of each.

Names are few and are compared in Python. Of cases and programmes, the newest are searched in the database, and cases
also by their exact number and by the citizen's telephone number, which an index finds.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from flask import url_for
from sqlalchemy.orm import Session, joinedload

from admin.access.visitors import Visitor
from admin.layout.language import say
from admin.search.matching import Typed
from admin.search.names import MOST_NAMES, officials_named, speakers_named
from broadcast_bridge.models import Speaker
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.station_book.models import BookDevice
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Message, Transcript
from feedback.states import Direction
from haichieu.account_rights import Action
from haichieu.people import Unit, live_unit
from haichieu.units.former_names import former_names
from ivr.calls.routing import Number

SHOWN = 6
NEWEST_CASES, NEWEST_PROGRAMMES = 20_000, 3_000
FIRST_WORDS = 120


@dataclass(frozen=True)
class Hit:
    """One thing that was found: its page, its name, further words, its unit, and its state as (kind, state)."""

    path: str
    title: str
    about: str
    unit_id: int
    state: tuple[str, str] | None = None


@dataclass(frozen=True)
class Hits:
    """The first hits of one kind, its text is `search.<kind>`; `more` is the page that lists all of them."""

    kind: str
    found: Sequence[Hit]
    more: str


def find_everywhere(session: Session, book: CitizenBook, who: Visitor, text: str) -> list[Hits]:
    """Return what was found, of the kinds that the visitor may open."""
    typed = Typed(text)
    kinds: tuple[tuple[str, Action, Callable[[], Iterable[Hit]], str], ...] = (
        (
            "cases",
            Action.READ_CASES,
            lambda: _cases(session, book, who, typed, text),
            url_for("cases", tab="all", q=text),
        ),
        ("speakers", Action.VIEW, lambda: _speakers(session, who, typed), url_for("speakers", q=text)),
        ("officials", Action.CONFIGURE, lambda: _officials(session, who, typed), url_for("officials", q=text)),
        ("programmes", Action.VIEW, lambda: _programmes(session, who, typed), url_for("programmes", q=text)),
        ("numbers", Action.CONFIGURE, lambda: _numbers(session, who, typed), url_for("numbers")),
        ("devices", Action.VIEW, lambda: _devices(session, who, typed), url_for("book_list", table="devices", q=text)),
        ("units", Action.VIEW, lambda: _units(session, who, typed), url_for(_page_of_units(who))),
    )
    if not typed.words:
        return []
    found = [Hits(kind, list(look()), more) for kind, action, look, more in kinds if who.may(action)]
    return [hits for hits in found if hits.found or hits.kind == "cases"]


def _cases(session: Session, book: CitizenBook, who: Visitor, typed: Typed, text: str) -> Iterator[Hit]:
    citizen = book.look_up(session, text) if who.may(Action.SEE_NUMBERS) else None
    newest = sa.select(sa.func.max(Case.id) - NEWEST_CASES).scalar_subquery()
    words = [Case.search_text.contains(word, autoescape=True) for word in typed.words]
    queries = [sa.and_(Case.number == typed.digits)] if typed.digits else []
    queries += [sa.and_(Case.citizen_id == citizen.id)] if citizen else []
    queries.append(sa.and_(Case.id > newest, *words))
    found: dict[int, Case] = {}
    for condition in queries:
        if len(found) < SHOWN:
            query = sa.select(Case).where(condition, Case.unit_id.in_(who.units)).order_by(Case.id.desc()).limit(SHOWN)
            found |= {one.id: one for one in session.scalars(query)}
    about = _first_words(session, list(found))
    for one in list(found.values())[:SHOWN]:
        yield Hit(
            url_for("case_page", number=one.number), f"{one.number[:4]} {one.number[4:]}", about.get(one.id, ""),
            one.unit_id, ("case_state", one.status),
        )  # fmt: skip


def _first_words(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    first = sa.select(sa.func.min(Message.id)).where(Message.case_id.in_(case_ids), Message.direction == Direction.IN)
    rows = session.execute(
        sa.select(Message.case_id, Message.text, Transcript.text)
        .outerjoin(Transcript, Transcript.message_id == Message.id)
        .where(Message.id.in_(first.group_by(Message.case_id)))
    )
    return {number: " ".join((written or heard or "").split())[:FIRST_WORDS] for number, written, heard in rows}


def _speakers(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    for one in speakers_named(session, who.units, typed, Speaker.removed_at.is_(None))[:SHOWN]:
        yield Hit(url_for("speaker", number=one.id), one.name, one.code, one.unit_id)


def _devices(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    query = sa.select(BookDevice).where(BookDevice.unit_id.in_(who.units)).order_by(BookDevice.code).limit(MOST_NAMES)
    found = [one for one in session.scalars(query) if typed.is_in(one.name, one.code, one.serial, one.imei)]
    for one in found[:SHOWN]:
        yield Hit(url_for("book_row", table="devices", number=one.id), one.name, one.code, one.unit_id)


def _officials(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    for one in officials_named(session, who.units, typed)[:SHOWN]:
        about = " · ".join(filter(None, (one.code, one.title)))
        yield Hit(url_for("official_step", number=one.id, step="edit"), one.name, about, one.unit_id)


def _programmes(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    newest = sa.select(sa.func.max(Programme.id) - NEWEST_PROGRAMMES).scalar_subquery()
    words = [Programme.search_text.contains(word, autoescape=True) for word in typed.words]
    rows = session.execute(
        sa.select(Programme.id, Programme.title, Programme.author_name, Programme.unit_id, Programme.state)
        .where(Programme.id > newest, Programme.unit_id.in_(who.units), *words)
        .order_by(Programme.id.desc())
        .limit(SHOWN)
    )
    for number, title, author, unit_id, state in rows:
        yield Hit(url_for("programme", number=number), title, author, unit_id, ("programme_state", state))


def _numbers(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    rows = session.scalars(
        sa.select(Number).where(Number.unit_id.in_(who.units)).options(joinedload(Number.unit)).order_by(Number.number)
    )
    found = [one for one in rows if typed.is_in(one.number, one.unit.name) or typed.is_in_number([one.number])]
    for one in found[:SHOWN]:
        yield Hit(url_for("number_page", number=one.id), one.number, "", one.unit_id)


def _units(session: Session, who: Visitor, typed: Typed) -> Iterator[Hit]:
    """Yield units by their name now, their code, and the names that they or units merged into them had before."""
    old = former_names(session, who.units)
    mine = sa.select(Unit).where(Unit.id.in_(who.units)).order_by(Unit.name, Unit.id)
    codes: dict[int, list[str]] = {}
    units = session.scalars(mine).all()
    for one in units:
        codes.setdefault(live_unit(session, one).id, []).append(one.code)
    live = [one for one in units if one.retired_at is None]
    found = [one for one in live if any(typed.is_in(name) for name in (one.name, *codes[one.id], *old.get(one.id, ())))]
    for one in sorted(found, key=lambda unit: not typed.begins(unit.name))[:SHOWN]:
        page = _page_of_units(who)
        path = url_for(page, _anchor=f"unit-{one.id}") if page == "units" else url_for(page, unit=one.code)
        formerly = say("units.formerly_named", names=", ".join(old[one.id])) if one.id in old else one.code
        yield Hit(path, one.name, formerly, one.id)


def _page_of_units(who: Visitor) -> str:
    return "units" if who.may(Action.CONFIGURE) else "speakers"
