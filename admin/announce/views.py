"""Broadcast-now pages: content and zones, preview, on air or scheduled."""

from pathlib import Path

import sqlalchemy as sa
from flask import Flask, flash, jsonify, make_response, redirect, request, send_file, url_for
from flask import Response as FlaskResponse
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs
from admin.access.visitors import Visitor, visitor
from admin.announce import drafting
from admin.broadcasts.announcing import LANGUAGE, put_on_air, spoken, voices_for
from admin.broadcasts.zone_choices import zones_for
from admin.layout.addresses import number_asked, text_asked
from admin.layout.language import say
from admin.layout.pages import Form, is_live_part, page, page_that_records, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from admin.sounds.receiving import receive, streams_body
from broadcast_bridge.broadcasts import broadcast_drafts, draft_conversion
from broadcast_bridge.broadcasts.broadcast_drafts import AlreadyAired, BroadcastDraft, DraftSound
from broadcast_bridge.broadcasts.outlook import outlook
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes import intake, making_jobs
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from broadcast_bridge.schedule.states import reason_message
from haichieu.account_rights import Action
from haichieu.audio.ingest import MOST_BYTES, MOST_SECONDS
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed, NotFound
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.reading import text_as_read

MOST_PROGRAMMES = 300


def own_draft(session: Session, number: int) -> tuple[int, ...]:
    """Return no units: a draft is open to the account that made it alone. Raises NoSuchDraft."""
    broadcast_drafts.find(session, number, visitor().actor)
    return ()


def register_announce(app: Flask, panel: Panel) -> None:
    """Add the pages."""

    @app.get("/announce")
    @needs(Action.AIR)
    def announce() -> Response:
        """Show the form, with a programme or the content of an earlier draft where the address names one."""
        kept = take_kept(panel)
        with panel.database.reading() as session:
            earlier = _earlier(session, visitor(), number_asked("draft"))
        given = kept or (_fields_of(earlier) if earlier else {})
        return _form_page(panel, Form(given), programme=text_asked("programme", 10))

    @app.post("/announce")
    @needs(Action.AIR, checks_units=True)
    def prepare_announcement() -> Response:
        """Store what was chosen as a draft, and show its preview."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                number = drafting.draft_from(session, form, visitor(), now()).id
        except NotAllowed:
            raise
        except HaiChieuError as refusal:
            form.problems[""] = refusal_message(refusal)
            return _form_page(panel, form, 422)
        return redirect(url_for("announcement", number=number), 303)

    @streams_body
    @app.post("/announce/sound")
    @needs(Action.ANNOUNCE, checks_units=True)
    def upload_announcement() -> Response:
        """Store the recording or file in the body as a draft, with the zones of the query; return its page.

        A large file is converted in the background.
        """
        said = Form({name: request.args.getlist(name) for name in request.args})
        with panel.database.reading() as session:
            drafting.require_zones(session, said, Action.ANNOUNCE)
        panel.store.require_space()
        with panel.store.scratch() as folder:
            upload = Path(folder) / "upload"
            receive(request.stream, request.content_length, upload)
            if upload.stat().st_size > making_jobs.LARGE_FILE:
                number = _convert_later(panel, said, upload)
            else:
                forms = intake.ready_upload(upload, Path(folder), said.value("name")).forms
                stored = panel.store.put(forms.narrow, forms.wide)
                with panel.database.session() as session:
                    sound = panel.store.add(session, stored)
                    number = drafting.draft_of_sound(session, said, visitor(), sound, now()).id
        answer = jsonify({"page": url_for("announcement", number=number)})
        answer.status_code = 201
        return answer

    @app.get("/announce/<int:number>")
    @needs(Action.AIR, where=own_draft)
    def announcement(number: int) -> Response:
        """Show what will be heard where, with a player; of a draft that was aired, the broadcast.

        While its file is being converted, show the progress.
        """
        if is_live_part() and not _is_converting(panel, number):
            answer = make_response()
            answer.headers["HX-Refresh"] = "true"  # the progress gives way to the whole page
            return answer
        return _preview_page(panel, number, Form(take_kept(panel)))

    @app.post("/announce/<int:number>")
    @needs(Action.AIR, where=own_draft, checks_units=True)
    def air_announcement(number: int) -> Response:
        """Broadcast a draft, now or at the chosen time, once; show the preview again when it has changed."""
        form, who, at = sent_form(), visitor(), now()
        try:
            with panel.database.reading() as session:
                draft = broadcast_drafts.find(session, number, who.actor)
                zones = drafting.heard_zones(session, draft.zone_codes, drafting.action_for(draft))
                if draft.in_making is not None:
                    return redirect(url_for("announcement", number=number), 303)
                if draft.broadcast_id is not None:
                    raise AlreadyAired(draft.broadcast_id)
                mark = outlook(session, zones, Priority(draft.priority), at).mark
                wish = drafting.wish_of(draft, drafting.start_time(session, form))
            if form.value("confirmed") != mark:
                return redirect(url_for("announcement", number=number, changed="yes"), 303)
            aired = put_on_air(
                panel, who, wish, at, lambda session, one: broadcast_drafts.mark_as_aired(session, number, one)
            )
        except AlreadyAired as earlier:
            flash(say("announce.done_already"))
            return redirect(url_for("broadcast_page", number=earlier.broadcast_id), 303)
        except NotAllowed:
            raise
        except HaiChieuError as refusal:
            form.problems["at" if form.value("then") == "later" else ""] = refusal_message(refusal)
            return _preview_page(panel, number, form, 422)
        flash(say("announce.aired", number=aired) if wish.at is None else say("announce.planned", number=aired))
        return redirect(url_for("broadcast_page", number=aired), 303)

    @app.get("/announce/<int:number>/sound")
    @needs(Action.AIR, where=own_draft)
    def announcement_sound(number: int) -> Response:
        """Return what will be heard as a WAV file: the recording, the programme, or one part of the text."""
        part = request.args.get("part", 0, type=int)
        with panel.database.reading() as session:
            draft = broadcast_drafts.find(session, number, visitor().actor)
            parts = drafting.parts_of(draft)
            sound = draft.programme.sound if draft.programme else draft.sound
        if parts and 0 < part < len(parts):
            with spoken(panel, parts[part], draft.zone_codes) as stored:
                return FlaskResponse((stored.wideband or stored.file).read_bytes(), content_type="audio/wav")
        sound = drafting.beginning_of(panel, number, visitor()) if parts else sound
        file = panel.store.path(sound) if sound is not None else None
        if file is None or not file.exists():
            raise NotFound("panel.programmes.no_sound")
        wide = file.with_suffix(".wav16")
        answer = send_file(wide if wide.exists() else file, mimetype="audio/wav", conditional=True)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def _convert_later(panel: Panel, said: Form, upload: Path) -> int:
    """Store the file with a draft, and have it converted; return the number of the draft."""
    name = said.value("name")
    stored = panel.store.put_original(upload, Path(name).suffix, 0.0)
    with panel.database.session() as session:
        draft = drafting.draft_of_sound(session, said, visitor(), None, now())
        draft_conversion.begin(session, panel.store, draft, stored, name, now())
        return draft.id


def _is_converting(panel: Panel, number: int) -> bool:
    with panel.database.reading() as session:
        file = broadcast_drafts.find(session, number, visitor().actor).in_making
        return file is not None and file.problem is None


def _earlier(session: Session, who: Visitor, number: int | None) -> BroadcastDraft | None:
    draft = session.get(BroadcastDraft, number) if number is not None else None
    return draft if draft is not None and draft.made_by == who.actor else None


def _fields_of(draft: BroadcastDraft) -> dict[str, list[str]]:
    """Return the fields of the form that made a draft."""
    has_sound_alone = draft.sound_id is not None and not draft.text
    return {
        "text": [draft.text], "zone": draft.zone_codes, "priority": [draft.priority],
        "programme": [str(draft.programme_id)] if draft.programme_id is not None else [],
        "sound_of": [str(draft.id)] if has_sound_alone else [],
    }  # fmt: skip


def _form_page(panel: Panel, form: Form, status: int = 200, programme: str = "") -> Response:
    who = visitor()
    with panel.database.reading() as session:
        zones = zones_for(session, who)
        newest = (
            sa.select(Programme)
            .where(Programme.unit_id.in_(who.units), Programme.state == ProgrammeState.APPROVED)
            .where(Programme.valid_until.is_(None) | (Programme.valid_until > now()), Programme.sound_id.is_not(None))
            .order_by(Programme.id.desc())
        )
        programmes = list(session.scalars(newest.limit(MOST_PROGRAMMES)))
        wanted = [one.zone_codes for one in programmes if str(one.id) == programme]
        sound_of = form.value("sound_of")
        earlier = _earlier(session, who, int(sound_of) if sound_of.isdecimal() and len(sound_of) < 10 else None)
        files = broadcast_drafts.with_files(session, who.actor)
    return page_that_records(
        "announce/announce.html", status, form=form, zones=zones, programmes=programmes, programme=programme,
        chosen=[one.zone.code for one in zones] if len(zones) == 1 else [code for codes in wanted for code in codes],
        priorities=drafting.PRIORITIES, may_announce=who.may(Action.ANNOUNCE), earlier=earlier, files=files,
        longest_text=intake.LONGEST_TEXT, most_bytes=MOST_BYTES, longest_seconds=int(MOST_SECONDS),
    )  # fmt: skip


def _preview_page(panel: Panel, number: int, form: Form, status: int = 200) -> Response:
    """Return the preview of a draft, or its form when its zones are gone or empty by now."""
    try:
        return _preview(panel, number, form, status)
    except (NotAllowed, NotFound):
        raise
    except HaiChieuError as refusal:
        with panel.database.reading() as session:
            fields = _fields_of(broadcast_drafts.find(session, number, visitor().actor))
        return _form_page(panel, Form(fields, {"": refusal_message(refusal)}), 422)


def _page_of_file(panel: Panel, draft: BroadcastDraft, file: DraftSound) -> Response:
    """Return the progress of the file of a draft; when it could not be converted, the form with the reason."""
    if file.problem is not None:
        return _form_page(panel, Form(_fields_of(draft), {"": file.problem}), 422)
    return page("announce/announcement.html", draft=draft, file=file)


def _preview(panel: Panel, number: int, form: Form, status: int) -> Response:
    at = now()
    with panel.database.reading() as session:
        draft = broadcast_drafts.find(session, number, visitor().actor)
        if draft.broadcast_id is not None:
            return redirect(url_for("broadcast_page", number=draft.broadcast_id), 303)
        if draft.in_making is not None:
            return _page_of_file(panel, draft, draft.in_making)
        zones = drafting.heard_zones(session, draft.zone_codes, drafting.action_for(draft))
        shown = outlook(session, zones, Priority(draft.priority), at)
        sound = draft.programme.sound if draft.programme else draft.sound
    parts = len(drafting.parts_of(draft))
    voices = voices_for(panel, draft.zone_codes)
    if draft.text:
        voices.prepare(LANGUAGE)  # loaded by the time that the user plays it or puts it on air
    return page(
        "announce/announcement.html", status, file=None, draft=draft, outlook=shown, form=form, sound=sound,
        reading=text_as_read(draft.text, LANGUAGE, dictionary_of(panel.database)) if draft.text else "",
        voice=voices.spoken_by().get(LANGUAGE, "") if draft.text else (sound.synthetic if sound else ""),
        later=[url_for("announcement_sound", number=number, part=part) for part in range(1, parts)],
        refused=reason_message(shown.refused), changed=text_asked("changed") == "yes",
        why_silent=reason_message(shown.may_sound.left_out[0][1]) if shown.silent else None,
    )  # fmt: skip
