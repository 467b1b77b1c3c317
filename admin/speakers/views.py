"""Pages of speakers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask import Flask, flash, redirect, request
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from admin.access.page_steps import Step
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.account_sheet import account_sheet, new_password
from admin.entries.entry_fields import Act, Control, Field
from admin.entries.entry_pages import EntryPages
from admin.entries.scope import named_units, units_of_speaker, units_to_choose
from admin.entries.sheet_pages import register_sheet
from admin.layout.language import say
from admin.layout.pages import Form, is_live_part, page, sent_form
from admin.panel import Panel
from admin.repairs.queries import repairs_of
from admin.speakers.queries import Standing, count_speakers, filter_asked, find_speakers, standing, why_silent
from admin.station_book.queries import book_of_speaker
from broadcast_bridge.broadcasts.starting import ZoneBusy
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from broadcast_bridge.repairs.days_lost import days_lost
from broadcast_bridge.speakers import direct_calls
from broadcast_bridge.speakers.direct_calls import DirectCallCheck
from broadcast_bridge.speakers.reachability import history
from broadcast_bridge.speakers.test_tone import CannotTry, ask_for_tone, tone_in
from broadcast_bridge.speakers.zones import zones_of_speaker
from dialplans.accounts import CODECS
from dialplans.auto_answer import MAKES
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import SPEAKER, EntryRefused, Texts, save, texts_of
from haichieu.errors import UsageError
from haichieu.locale import Message, message

COLUMNS = (
    "id, name, unit, password, multicast, volume_db, codecs, make, answer_seconds, qualify, behind_nat, dial_ahead, "
    "latitude, longitude"
)
SAMPLE = "id,name,unit,latitude,longitude\ncb-03,Nhà văn hóa Nà Sài,CO-BA,22.9512,105.6731"
NEWEST = 20
WIDEBAND_FIRST = ("g722", "opus", "alaw", "ulaw")


def _line(name: str, hint: str = "", **more: Any) -> Field:
    return Field(name, label=f"speakers.{name}", hint=f"speakers.{hint}" if hint else "", **more)


def _decimal(name: str, hint: str = "", most: int = 6) -> Field:
    return _line(name, hint, most=most, inputmode="decimal")


def _answer(name: str, empty: str = "speakers.detect") -> Field:
    """Return a question that the station can answer by itself."""
    return _line(
        name, f"{name}_hint", control=Control.CHOICE, choices=("yes", "no"), texts="speakers", empty=empty
    )  # fmt: skip


SORTS = Field("sort", Control.RADIO, label="speakers.sort", rows="sorts")
MULTICAST = _line("multicast", "multicast_hint", most=60)
ENCRYPTED = Field(
    "encrypted", Control.BOXES, label="speakers.encryption", hint="speakers.encrypted_hint", rows="encrypted"
)
MAKE = _line("make", "make_hint", control=Control.CHOICE, rows="makes", empty="speakers.make_other")
DEVICE = (
    MAKE, _decimal("answer_seconds", "answer_seconds_hint"), _answer("qualify"), _answer("behind_nat"),
    _answer("dial_ahead", "speakers.dial_ahead_station"),
)  # fmt: skip
"""Fields of a speaker with a SIP account."""
OF_DEVICES = ("password", "make", "answer_seconds", "qualify", "behind_nat", "dial_ahead")


class SpeakerPages(EntryPages):
    """The form of a speaker, and what one can do with it."""

    name, kind, page_of, added = "speakers", SPEAKER, "speaker", "speakers.added"

    def units_of(self, session: Session, number: int) -> Iterable[int]:
        """Return the unit of the speaker."""
        return units_of_speaker(session, number)

    def fields(self, row: Speaker | None, form: Form) -> Sequence[Field]:
        """Return the fields of a device, of a multicast group, or of both for a new speaker."""
        has_account, has_group = row is None or not row.is_multicast, row is None or row.is_multicast
        password = Field(
            "password", Control.CONFIDENTIAL, most=128, label="speakers.password",
            hint="speakers.password_hint" if row is None else "speakers.password_kept",
        )  # fmt: skip
        return (
            _line("id", "id_hint", required=True, most=40, is_key=True),
            _line("name", required=True),
            _line("unit", control=Control.CHOICE, rows="units"),
            *((SORTS,) if row is None else ()),
            *((password, ENCRYPTED) if has_account else ()),
            *((MULTICAST,) if has_group else ()),
            Field("volume_db", label="speakers.volume", hint="speakers.volume_hint", most=6, inputmode="decimal"),
            _line("codecs", "codecs_hint", control=Control.BOXES, rows="codecs"),
            *(DEVICE if has_account else ()),
            _decimal("latitude", "place_hint", 20), _decimal("longitude", most=20),
        )  # fmt: skip

    def context(self, session: Session, row: Speaker | None, form: Form) -> Mapping[str, object]:
        """Return the choices of the form."""
        return {
            "choices": {
                "units": named_units(session, visitor()),
                "sorts": [(one, say(f"speakers.sort_{one}")) for one in ("sip", "multicast")],
                "encrypted": [("yes", say("speakers.encrypted"))],
                "codecs": [(codec, codec) for codec in _codecs_to_choose(form.values("codecs"))],
                "makes": [(make, make) for make in MAKES],
            }
        }

    def texts(self, session: Session, row: Speaker | None, form: Form) -> Texts:
        """Return what was typed; a new speaker has an account or a multicast group, as chosen."""
        if row is not None:
            return form.fields
        if form.value("sort") == "multicast":
            return {**form.fields, **{name: [] for name in OF_DEVICES}}
        return {**form.fields, "multicast": [], "password": [form.value("password").strip() or new_password()]}

    def steps(self) -> Mapping[str, Step]:
        """Return what one can do with a speaker."""
        return {
            "volume": Step(Action.CONFIGURE, self.trim),
            "tone": Step(Action.AIR, self.play_tone),
            "direct-call": Step(Action.CONFIGURE, self.check_direct_call),
            "account": Step(Action.CONFIGURE, self.show_account),
        }

    def again(self, number: int, problem: str | Message, field: str = "", status: int = 422) -> Response:
        """Show the page of the speaker with the problem."""
        return _speaker_page(self.panel, number, problem, status)

    def trim(self, number: int) -> Response:
        """Change the volume adjustment of one speaker."""
        try:
            with self.panel.database.session() as session:
                row = session.get_one(Speaker, number)
                texts = {**texts_of(SPEAKER, row), "volume_db": sent_form().values("volume_db")}
                save(session, self.panel.vault, SPEAKER, texts, visitor().actor, row)
        except EntryRefused as refusal:
            return self.again(number, refusal.message)
        flash(say("entry.saved"))
        return redirect(self.address(number), 303)

    def play_tone(self, number: int) -> Response:
        """Play the test tone on this speaker."""
        store = self.panel.store
        try:
            with tone_in(store) as tone, self.panel.database.session() as session:
                row = session.get_one(Speaker, number)
                ask_for_tone(session, store, tone, row, visitor().actor, now())
        except (CannotTry, ZoneBusy) as refusal:
            said = refusal.message
            if isinstance(refusal, ZoneBusy):
                said = message("panel.speakers.busy", who=refusal.on_air)
            return self.again(number, said, status=409)
        flash(say("speakers.tone_asked"))
        return redirect(self.address(number), 303)

    def check_direct_call(self, number: int) -> Response:
        """Check whether this speaker answers calls that its server has not sent."""
        try:
            with self.panel.database.session() as session:
                direct_calls.request(session, session.get_one(Speaker, number), visitor().actor, now())
        except direct_calls.CannotCheck as refusal:
            return self.again(number, refusal.message, status=409)
        flash(say("speakers.direct_call_asked"))
        return redirect(self.address(number), 303)

    def show_account(self, number: int) -> Response:
        """Show the SIP account for the installer."""
        try:
            with self.panel.database.session() as session:
                row = session.get_one(Speaker, number)
                host = request.host.rpartition(":")[0] or request.host
                sheet = account_sheet(session, self.panel.vault, self.panel.settings, row, host, visitor().actor)
        except UsageError as refusal:
            return self.again(number, refusal.message)
        return page("speakers/speaker_account.html", device=row, sheet=sheet, back=self.address(number))


def register_speakers(app: Flask, panel: Panel) -> None:
    """Add the pages of speakers."""
    app.jinja_env.filters["standing"] = standing
    register_sheet(app, panel, "speakers", SPEAKER, new_password, COLUMNS, SAMPLE)
    SpeakerPages(panel).register(app)

    @app.get("/speakers")
    @needs(Action.VIEW)
    def speakers() -> Response:
        """List the speakers by unit, state and words."""
        wanted = filter_asked()
        with panel.database.reading() as session:
            found, following = find_speakers(session, visitor(), wanted, request.args.get("after", "")[:40])
            total, units = count_speakers(session, visitor(), wanted), units_to_choose(session, visitor())
            silent = why_silent(session, found, now())
        return page(
            "speakers/speakers.html", speakers=found, following=following, total=total, wanted=wanted,
            after=request.args.get("after"), units=units, states=list(Standing), silent=silent,
        )  # fmt: skip

    @app.get("/speakers/<int:number>")
    @needs(Action.VIEW, where=units_of_speaker)
    def speaker(number: int) -> Response:
        """Show one speaker: state, connection history, recent deliveries, and its devices in the station book."""
        if not is_live_part():
            return _speaker_page(panel, number)
        with panel.database.reading() as session:
            found = _doings(session, session.get_one(Speaker, number))
        return page("speakers/speaker_played.html", **found)


def _codecs_to_choose(chosen: Sequence[str]) -> list[str]:
    """Return the codecs in the order in which a browser sends those that are ticked: their order of preference."""
    return list(dict.fromkeys((*(codec for codec in chosen if codec in CODECS), *WIDEBAND_FIRST)))


def _speaker_page(panel: Panel, number: int, problem: str | Message = "", status: int = 200) -> Response:
    with panel.database.reading() as session:
        row = session.get_one(Speaker, number, options=[joinedload(Speaker.unit)])
        periods, zones, found = history(session, row, NEWEST), zones_of_speaker(session, row), _doings(session, row)
        book = book_of_speaker(session, visitor(), number)
        repairs = repairs_of(session, row.id, NEWEST)
        lost = days_lost(session, repairs, now())
    return page(
        "speakers/speaker.html", status, take_out=Act("retire", "entry.retire", sure=say("speakers.retire_sure"),
        is_grave=True),
        problem=problem, periods=periods, zones=zones, book=book, repairs=repairs, lost=lost,
        **found,
    )  # fmt: skip


def _doings(session: Session, row: Speaker) -> dict[str, Any]:
    played = session.scalars(
        sa.select(Delivery)
        .where(Delivery.speaker_id == row.id)
        .options(joinedload(Delivery.broadcast).joinedload(Broadcast.official))
        .order_by(Delivery.id.desc())
        .limit(NEWEST)
    ).all()
    return {
        "speaker": row, "deliveries": played, "direct": session.get(DirectCallCheck, row.id),
        "silent": why_silent(session, [row], now()).get(row.id),
    }  # fmt: skip
