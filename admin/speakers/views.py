"""Pages of speakers."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask import Flask, flash, redirect, request, url_for
from sqlalchemy.orm import Session, joinedload
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.account_sheet import account_sheet, new_password
from admin.entries.entry_forms import Conflict, form_of, refused, take_form
from admin.entries.scope import units_of_speaker, units_to_choose
from admin.entries.sheet_pages import register_sheet
from admin.layout.language import say
from admin.layout.pages import Form, is_live_part, page, sent_form
from admin.panel import Panel
from admin.repairs.queries import repairs_of
from admin.speakers.queries import Standing, count_speakers, filter_asked, find_speakers, standing
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
from haichieu import audit
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.district.entries import SPEAKER, EntryRefused, save, texts_of
from haichieu.district.reconcile import retire
from haichieu.errors import UsageError
from haichieu.locale import Message, message

COLUMNS = (
    "id, name, unit, password, multicast, volume_db, codecs, make, answer_seconds, qualify, behind_nat, dial_ahead, "
    "latitude, longitude"
)
SAMPLE = "id,name,unit,latitude,longitude\ncb-03,Nhà văn hóa Nà Sài,CO-BA,22.9512,105.6731"
NEWEST = 20
WIDEBAND_FIRST = ("g722", "opus", "alaw", "ulaw")


def register_speakers(app: Flask, panel: Panel) -> None:
    """Add the pages of speakers."""
    app.jinja_env.filters["standing"] = standing
    register_sheet(app, panel, "speakers", SPEAKER, new_password, COLUMNS, SAMPLE)

    @app.get("/speakers")
    @needs(Action.VIEW)
    def speakers() -> Response:
        """List the speakers by unit, state and words."""
        wanted = filter_asked()
        with panel.database.reading() as session:
            found, following = find_speakers(session, visitor(), wanted, request.args.get("after", "")[:40])
            total, units = count_speakers(session, visitor(), wanted), units_to_choose(session, visitor())
        return page(
            "speakers.html", speakers=found, following=following, total=total, wanted=wanted,
            after=request.args.get("after"), units=units, states=list(Standing),
        )  # fmt: skip

    @app.get("/speakers/new")
    @needs(Action.CONFIGURE)
    def new_speaker() -> Response:
        """Show the form for a new speaker."""
        return _form_page(panel, form_of(panel, unit=request.args.get("unit", "")))

    @app.post("/speakers/new")
    @needs(Action.CONFIGURE, checks_units=True)
    def add_speaker() -> Response:
        """Add a speaker; it can register at once."""
        form = sent_form()
        texts = dict(form.fields)
        if form.value("sort") != "multicast":
            texts |= {"multicast": [], "password": [form.value("password").strip() or new_password()]}
        else:
            texts |= {
                name: [] for name in ("password", "make", "answer_seconds", "qualify", "behind_nat", "dial_ahead")
            }
        try:
            with panel.database.session() as session:
                number = take_form(session, panel, SPEAKER, texts=texts).id
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), status=422)
        flash(say("speakers.added"))
        return redirect(url_for("speaker", number=number), 303)

    @app.get("/speakers/<int:number>")
    @needs(Action.VIEW, where=units_of_speaker)
    def speaker(number: int) -> Response:
        """Show one speaker: state, connection history, recent deliveries, and its devices in the station book."""
        if not is_live_part():
            return _speaker_page(panel, number)
        with panel.database.reading() as session:
            found = _doings(session, session.get_one(Speaker, number))
        return page("speaker_played.html", **found)

    @app.get("/speakers/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_speaker)
    def edit_speaker(number: int) -> Response:
        """Show the form of a speaker."""
        with panel.database.reading() as session:
            row = session.get_one(Speaker, number)
            texts = texts_of(SPEAKER, row)
        return _form_page(panel, form_of(panel, texts), row)

    @app.post("/speakers/<int:number>/edit")
    @needs(Action.CONFIGURE, where=units_of_speaker, checks_units=True)
    def change_speaker(number: int) -> Response:
        """Change a speaker."""
        with panel.database.session() as session:
            row = session.get_one(Speaker, number)
        try:
            with panel.database.session() as session:
                take_form(session, panel, SPEAKER, session.get_one(Speaker, number))
        except (EntryRefused, Conflict) as refusal:
            return _form_page(panel, refused(refusal), row, status=422)
        flash(say("entry.saved"))
        return redirect(url_for("speaker", number=number), 303)

    @app.post("/speakers/<int:number>/volume")
    @needs(Action.CONFIGURE, where=units_of_speaker)
    def trim_speaker(number: int) -> Response:
        """Change the volume adjustment of one speaker."""
        try:
            with panel.database.session() as session:
                row = session.get_one(Speaker, number)
                texts = {**texts_of(SPEAKER, row), "volume_db": sent_form().values("volume_db")}
                save(session, panel.vault, SPEAKER, texts, visitor().actor, row)
        except EntryRefused as refusal:
            return _speaker_page(panel, number, refusal.message, 422)
        flash(say("entry.saved"))
        return redirect(url_for("speaker", number=number), 303)

    @app.post("/speakers/<int:number>/tone")
    @needs(Action.AIR, where=units_of_speaker)
    def try_speaker(number: int) -> Response:
        """Play the test tone on this speaker."""
        try:
            with tone_in(panel.store) as tone, panel.database.session() as session:
                row = session.get_one(Speaker, number)
                ask_for_tone(session, panel.store, tone, row, visitor().actor, now())
        except (CannotTry, ZoneBusy) as refusal:
            said = refusal.message
            if isinstance(refusal, ZoneBusy):
                said = message("panel.speakers.busy", who=refusal.on_air)
            return _speaker_page(panel, number, said, 409)
        flash(say("speakers.tone_asked"))
        return redirect(url_for("speaker", number=number), 303)

    @app.post("/speakers/<int:number>/direct-call")
    @needs(Action.CONFIGURE, where=units_of_speaker)
    def check_speaker(number: int) -> Response:
        """Check whether this speaker answers calls that its server has not sent."""
        try:
            with panel.database.session() as session:
                direct_calls.request(session, session.get_one(Speaker, number), visitor().actor, now())
        except direct_calls.CannotCheck as refusal:
            return _speaker_page(panel, number, refusal.message, 409)
        flash(say("speakers.direct_call_asked"))
        return redirect(url_for("speaker", number=number), 303)

    @app.post("/speakers/<int:number>/account")
    @needs(Action.CONFIGURE, where=units_of_speaker)
    def speaker_account(number: int) -> Response:
        """Show the SIP account for the installer."""
        try:
            with panel.database.session() as session:
                row = session.get_one(Speaker, number)
                host = request.host.rpartition(":")[0] or request.host
                sheet = account_sheet(session, panel.vault, panel.settings, row, host, visitor().actor)
        except UsageError as refusal:
            return _speaker_page(panel, number, refusal.message, 422)
        return page("speaker_account.html", device=row, sheet=sheet, back=url_for("speaker", number=number))

    @app.post("/speakers/<int:number>/retire")
    @needs(Action.CONFIGURE, where=units_of_speaker)
    def retire_speaker(number: int) -> Response:
        """Retire a speaker (requires the confirmation box)."""
        if not sent_form().chosen("sure", "yes"):
            return _speaker_page(panel, number, say("entry.not_sure"), 422)
        with panel.database.session() as session:
            row = session.get_one(Speaker, number)
            retire(session, row)
            audit.record(session, visitor().actor, "speaker.retire", f"speaker:{row.code}")
        flash(say("entry.retired"))
        return redirect(url_for("speakers"), 303)


def _form_page(panel: Panel, form: Form, row: Speaker | None = None, status: int = 200) -> Response:
    with panel.database.reading() as session:
        units = units_to_choose(session, visitor())
    codecs = _codecs_to_choose(form.values("codecs"))
    return page("speaker_form.html", status, form=form, speaker=row, units=units, codecs=codecs, makes=MAKES)


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
        "speaker.html", status, problem=problem, periods=periods, zones=zones, book=book, repairs=repairs, lost=lost,
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
    return {"speaker": row, "deliveries": played, "direct": session.get(DirectCallCheck, row.id)}
