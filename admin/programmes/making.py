"""Adding programmes: an uploaded file, a browser recording, or a text with an audio preview."""

from pathlib import Path

from flask import Flask, Response, flash, jsonify, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from admin.access.page_steps import NEW
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.layout.language import say
from admin.layout.pages import Form, page, page_that_records, sent_form
from admin.layout.refusals import problem
from admin.panel import Panel
from admin.programmes.scope import LANGUAGES, about_from, find_programme, unit_id_of, units_for
from admin.sounds.receiving import receive, streams_body
from admin.sounds.voice_choices import voice_choices, voice_from
from broadcast_bridge.programmes import approval, intake, making_jobs
from broadcast_bridge.programmes.intake import About, AlreadyThere
from haichieu.account_rights import Action
from haichieu.audio.ingest import MOST_BYTES, MOST_SECONDS
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotAllowed
from haichieu.speech.bulletin_parts import bulletin_parts
from haichieu.speech.pronunciations import dictionary_of
from haichieu.speech.reading import text_as_read
from haichieu.speech.voice_choice import wanted_voices


def register_making(app: Flask, panel: Panel) -> None:
    """Add the pages that make programmes."""

    @streams_body
    @app.post("/programmes/uploads")
    @needs(Action.EDIT, checks_units=True)
    def upload_programme() -> Response:
        """Add the file in the body as the query describes it, a large one in the background; return its page."""
        said = request.args
        unit_id = unit_id_of(said.get("unit", ""))
        with panel.database.reading() as session:
            require_in(session, Action.EDIT, [unit_id])
            about = about_from(session, said, visitor())
        panel.store.require_space()
        with panel.store.scratch() as folder:
            upload = Path(folder) / "upload"
            receive(request.stream, request.content_length, upload)
            if upload.stat().st_size > making_jobs.LARGE_FILE:
                return _convert_later(panel, about, upload, said.get("name", ""))
            placed = intake.put(panel.store, intake.ready_upload(upload, Path(folder), said.get("name", "")))
            try:
                with panel.database.session() as session:
                    number = intake.add(session, panel.store, about, placed, now()).id
            except AlreadyThere as known:
                return _known(known)
        flash(say("programmes.added"))
        return _created(url_for("programme", number=number))

    @app.get("/work")
    @needs(Action.EDIT)
    def work() -> Response:
        """Show what is being made in the background for the visitor's units, how far it is, and what came of it."""
        with panel.database.reading() as session:
            found = making_jobs.listed(session, visitor().units)
        return page("programmes/work.html", found=found, working=any(one.done_at is None for one in found))


def preview_text(panel: Panel, number: int) -> Response:
    """Return a text, or the beginning of a long one, read aloud as a WAV file; nothing is stored."""
    form = sent_form()
    panel.store.require_space()
    with panel.store.scratch() as folder:
        ready = _ready_text(panel, form, Path(folder), _beginning(form), number)
        return Response(ready.forms.wide.read_bytes(), content_type="audio/wav")


def words_of_text(panel: Panel) -> Response:
    """Return the words of a text as they will be read; nothing is stored."""
    form = sent_form()
    text = form.value("text")[: intake.LONGEST_TEXT]
    said = text_as_read(text, _language(form), dictionary_of(panel.database))
    return Response(said, content_type="text/plain; charset=utf-8")


def write_programme(panel: Panel) -> AnyResponse:
    """Save a text as a programme, a long one in the background, and submit it where requested."""
    form = sent_form()
    try:
        unit_id = unit_id_of(form.value("unit"))
        with panel.database.reading() as session:
            require_in(session, Action.EDIT, [unit_id])
            about = about_from(session, form.value, visitor())
        panel.store.require_space()
        if len(form.value("text")) > making_jobs.LONG_TEXT:
            with panel.database.session() as session:
                submit = form.value("then") == "submit"
                making_jobs.begin_text(session, about, form.value("text"), now(), submit=submit)
            flash(say("work.begun"))
            return redirect(url_for("work"), 303)
        with panel.store.scratch() as folder:
            ready = _ready_text(panel, form, Path(folder))
            placed = intake.put(panel.store, ready)
            with panel.database.session() as session:
                made = intake.add(session, panel.store, about, placed, now())
                number = made.id
                if form.value("then") == "submit":
                    approval.submit(session, made, visitor().actor, now())
    except NotAllowed:
        raise
    except HaiChieuError as refusal:
        form.problems[""] = refusal.message
        return new_page(panel, form, 422)
    flash(say("programmes.added"))
    return redirect(url_for("programme", number=number), 303)


def _convert_later(panel: Panel, about: About, upload: Path, name: str) -> Response:
    """Store the file, have it converted, and return the address of the page that shows the progress."""
    stored = panel.store.put_original(upload, Path(name).suffix, 0.0)
    try:
        with panel.database.session() as session:
            making_jobs.begin_file(session, panel.store, about, stored, name, now())
    except AlreadyThere as known:
        return _known(known)
    flash(say("work.begun"))
    return _created(url_for("work"))


def _known(known: AlreadyThere) -> Response:
    return problem(409, "Conflict", known.message, page=url_for("programme", number=known.programme_id))


def _created(where: str) -> Response:
    answer = jsonify({"page": where})
    answer.status_code = 201
    return answer


def new_page(panel: Panel, form: Form, status: int = 200) -> Response:
    """Show the forms for a file, a recording or a text."""
    with panel.database.reading() as session:
        units = units_for(session, visitor())
    return page_that_records(
        "programmes/programme_form.html", status, programme=None, form=form, units=units, languages_spoken=LANGUAGES,
        most_bytes=MOST_BYTES, own_unit=str(visitor().account.unit_id),
        longest_text=intake.LONGEST_TEXT, longest_seconds=int(MOST_SECONDS), voices=panel.synthesiser.spoken_by(),
        voice_choices=voice_choices(panel, form.value("voice")),
    )  # fmt: skip


def _ready_text(panel: Panel, form: Form, folder: Path, text: str | None = None, number: int = NEW) -> intake.Ready:
    dictionary = dictionary_of(panel.database)
    text = form.value("text") if text is None else text
    with panel.database.reading() as session:
        chosen = unit_id_of(form.value("unit")) if form.value("unit") else None
        unit_id = chosen if number == NEW else find_programme(session, number).unit_id
        wanted = wanted_voices(session, unit_id, voice_from(form.value("voice")))
    return intake.ready_text(text, _language(form), panel.synthesiser.preferring(wanted), folder, dictionary)


def _beginning(form: Form) -> str:
    """Return the text; of a long one what is spoken in a few seconds. Raises SpeechError."""
    text = form.value("text")
    intake.check_text(text, _language(form))
    return text if len(text) <= making_jobs.LONG_TEXT else "".join(bulletin_parts(text)[:2])


def _language(form: Form) -> str:
    language = form.value("language", "vi")
    return language if language in LANGUAGES else "vi"
