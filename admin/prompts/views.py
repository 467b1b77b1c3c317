"""Pages of prompts in every language: listen, change the text, record, restore."""

from collections.abc import Callable, Mapping
from pathlib import Path

from flask import Flask, Response, flash, jsonify, redirect, request, send_file, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from admin.access.kept_forms import take_kept
from admin.access.page_steps import Step, add_steps
from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.entries.scope import every_unit
from admin.layout.language import say
from admin.layout.pages import Form, page, page_that_records, sent_form
from admin.panel import Panel
from admin.prompts.phone_views import goes_on, newest_call, phones_to_call, recording_call
from admin.prompts.queries import languages_of, line_of, lines
from admin.prompts.samples import samples
from admin.sounds.receiving import receive, streams_body
from haichieu.account_rights import Action
from haichieu.audio.ingest import telephone_forms
from haichieu.database import now
from haichieu.errors import HaiChieuError
from ivr.prompts import custom
from ivr.prompts.custom import LONGEST_TEXT, MOST_BYTES, MOST_SECONDS, ChangedMeanwhile, Origin
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.station_prompts import station_prompts
from ivr.prompts.store import PromptStore, Voice

A_PAGE = 40
RECORDED_HERE = "recording."
"""The name that the page's script gives to browser recordings."""


def register_prompts(app: Flask, panel: Panel) -> None:
    """Add the pages of prompts. They belong to the whole station and need rights over all its units."""
    texts = PromptTexts.delivered()

    def store() -> PromptStore:
        return station_prompts(panel.settings.home.absolute(), panel.database, panel.synthesiser, texts)

    def store_with(key: str, language: str) -> PromptStore:
        found = store()
        if language not in languages_of(found) or not (texts.has(key, language) or texts.has(key, found.fallback)):
            raise NotFound
        return found

    @app.get("/prompts")
    @needs(Action.CONFIGURE, where=every_unit)
    def prompts() -> Response:
        """List the prompts of one language by words and voice."""
        asked = {name: request.args.get(name, "")[:100].strip() for name in ("language", "q", "voice", "after")}
        found = store()
        languages = languages_of(found)
        asked["language"] = asked["language"] if asked["language"] in languages else languages[0]
        asked["voice"] = asked["voice"] if asked["voice"] in list(Voice) else ""
        shown = lines(found, asked["language"], asked["q"], asked["voice"], asked["after"], A_PAGE + 1)
        return page(
            "prompts/prompts.html", lines=shown[:A_PAGE], asked=asked, languages_spoken=languages, voices=list(Voice),
            following=shown[A_PAGE - 1].key if len(shown) > A_PAGE else "",
        )  # fmt: skip

    @app.get("/prompts/<language>/<key>")
    @needs(Action.CONFIGURE, where=every_unit)
    def prompt(language: str, key: str) -> Response:
        """Show one prompt: audio, text, how to change it, and the progress of the newest call about it."""
        return show(language, key, Form(take_kept(panel)))

    @app.get("/prompts/<language>/<key>/sound")
    @needs(Action.CONFIGURE, where=every_unit)
    def prompt_sound(language: str, key: str) -> AnyResponse:
        """Return the prompt as a caller hears it, with example values."""
        found = store_with(key, language)
        return _wav(found.sound(key, language, samples(found.variables(key), language)))

    @streams_body
    @app.post("/prompts/<language>/<key>/recording")
    @needs(Action.CONFIGURE, where=every_unit)
    def record_prompt(language: str, key: str) -> Response:
        """Store the recording in the body, named in the query; it applies from the next call."""
        store_with(key, language)
        custom.require_recordable(texts, key)
        panel.store.require_space()
        origin = Origin.BROWSER if request.args.get("name", "").startswith(RECORDED_HERE) else Origin.UPLOAD
        with panel.store.scratch() as folder:
            upload = Path(folder) / "upload"
            receive(request.stream, request.content_length, upload, MOST_BYTES)
            recorded = origin is Origin.BROWSER
            forms = telephone_forms(upload, Path(folder), most_seconds=MOST_SECONDS, recorded=recorded)
            stored = panel.store.put(forms.narrow, forms.wide)
            with panel.database.session() as session:
                custom.require_edition(session, key, language, request.args.get("edition", ""))
                custom.set_recording(
                    session, panel.store, texts, key, language, stored, origin, visitor().actor, now()
                )  # fmt: skip
        flash(say("prompts.changed"))
        answer = jsonify({"page": url_for("prompt", language=language, key=key)})
        answer.status_code = 201
        return answer

    def preview_prompt(language: str, key: str) -> AnyResponse:
        """Return another text read aloud; nothing is stored."""
        found = store_with(key, language)
        text = custom.require_text(texts, key, sent_form().value("text"))
        return _wav(found.read(key, language, text, samples(found.variables(key), language)))

    def change_prompt(language: str, key: str) -> AnyResponse:
        """Change the text; it applies from the next call."""
        found, form = store_with(key, language), sent_form()
        try:
            text = custom.require_text(texts, key, form.value("text"))
            found.read(
                key, language, text, samples(found.variables(key), language)
            )  # synthesised now, so that no caller waits
            with panel.database.session() as session:
                custom.require_edition(session, key, language, form.value("edition"))
                custom.set_text(session, texts, key, language, text, visitor().actor, now())
        except HaiChieuError as refusal:
            form.problems["" if isinstance(refusal, ChangedMeanwhile) else "text"] = refusal.message
            return show(language, key, form, 409 if isinstance(refusal, ChangedMeanwhile) else 422)
        flash(say("prompts.changed"))
        return redirect(url_for("prompt", language=language, key=key), 303)

    def take_back_prompt(language: str, key: str) -> AnyResponse:
        """Restore the built-in prompt (requires the confirmation box)."""
        store_with(key, language)
        if not sent_form().chosen("sure", "yes"):
            return show(language, key, Form(problems={"": say("entry.not_sure")}), 422)
        with panel.database.session() as session:
            custom.restore_built_in(session, key, language, visitor().actor)
        flash(say("prompts.taken_back"))
        return redirect(url_for("prompt", language=language, key=key), 303)

    def show(language: str, key: str, form: Form, status: int = 200) -> Response:
        found = store_with(key, language)
        line = line_of(found, key, language)
        with panel.database.reading() as session:
            own = custom.find_custom(session, key, language)
            phones, call = phones_to_call(session), newest_call(session, key, language)
        # A form refused for its text alone keeps the edition that it began with.
        edition = form.value("edition") if status == 422 and form.was_sent else own.edition if own else ""
        return page_that_records(
            "prompts/prompt.html", status, key=key, line=line, language_spoken=language, own=own, form=form,
            edition=edition,
            phones=phones, call=call, call_goes_on=goes_on(call),
            values=sorted(found.variables(key)), readable=found.can_read(language), longest=LONGEST_TEXT,
            built_in=texts.template(key, language),
            most_bytes=MOST_BYTES, most_minutes=int(MOST_SECONDS // 60),
            file_is_missing=own is not None and own.sound is not None and line.voice is not Voice.OWN_RECORDING,
        )  # fmt: skip

    acts: Mapping[str, Callable[[str, str], AnyResponse]] = {
        "text": change_prompt, "preview": preview_prompt, "built-in": take_back_prompt,
        "call": recording_call(panel, store_with, show),
    }  # fmt: skip
    add_steps(
        app, "/prompts/<language>/<key>/<step>", "prompt_step",
        lambda language, key: url_for("prompt", language=language, key=key),
        {name: Step(Action.CONFIGURE, act, where=every_unit) for name, act in acts.items()},
    )  # fmt: skip


def _wav(sound: str) -> AnyResponse:
    wide, narrow = Path(f"{sound}.wav16"), Path(f"{sound}.wav")
    response = send_file(wide if wide.is_file() else narrow, mimetype="audio/wav", conditional=True, max_age=0)
    response.headers["Cache-Control"] = "private, no-cache"
    return response
