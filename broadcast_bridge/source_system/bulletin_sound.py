"""The sound of a bulletin: fetched and judged like every uploaded file, or spoken by the station's voice."""

from pathlib import Path

from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.programmes import intake
from broadcast_bridge.source_system.errors import BulletinRefused, SoundMissing, SourceProblem
from broadcast_bridge.source_system.exchange import Wire
from broadcast_bridge.source_system.models import Bulletin
from broadcast_bridge.source_system.states import ContentKind
from haichieu.audio.ingest import TelephoneForms, UnusableSound, telephone_forms
from haichieu.background import in_thread
from haichieu.errors import HaiChieuError
from haichieu.media import MediaStore, Stored
from haichieu.speech.pronunciations import Pronunciations
from haichieu.speech.synthesis import SpeechError, Synthesiser

LENGTH_DIFFERS = 10.0
"""Seconds by which a sound may differ from the declared length, or a fifth of it: some systems round up to minutes."""


async def sound_of(
    bulletin: Bulletin, wire: Wire, store: MediaStore, folder: Path, synthesiser: Synthesiser, words: Pronunciations
) -> Stored:
    """Return the stored sound. Raises SourceProblem when it may be there later, otherwise BulletinRefused.

    An emergency is spoken from its text where its sound is unusable, and a wrong length does not delay it.
    """
    store.require_space()
    try:
        if bulletin.kind == ContentKind.TEXT:
            forms = await _spoken(bulletin, folder, synthesiser, words)
        else:
            forms = await _fetched(bulletin, wire, folder)
    except (SourceProblem, UnusableSound, SpeechError, BulletinRefused) as problem:
        speaks = bulletin.priority == Priority.EMERGENCY and bulletin.kind != ContentKind.TEXT and bulletin.text
        if not speaks:
            raise _final(problem) from problem
        try:
            forms = await _spoken(bulletin, folder, synthesiser, words)
        except (SpeechError, UnusableSound):
            raise _final(problem) from problem
    return await in_thread(lambda: store.put(forms.narrow, forms.wide))


def _final(problem: HaiChieuError) -> HaiChieuError:
    """Return a problem of the source, which may be over later, as it is, and any other as a refusal."""
    may_be_over = isinstance(problem, SourceProblem) and not isinstance(problem, SoundMissing)
    return problem if may_be_over else BulletinRefused(problem.message)


async def _spoken(bulletin: Bulletin, folder: Path, synthesiser: Synthesiser, words: Pronunciations) -> TelephoneForms:
    return await in_thread(
        lambda: intake.ready_text(bulletin.text, bulletin.language, synthesiser, folder, words).forms
    )


async def _fetched(bulletin: Bulletin, wire: Wire, folder: Path) -> TelephoneForms:
    file = folder / "fetched"
    await wire.download(bulletin.link, file)
    forms = await in_thread(lambda: telephone_forms(file, folder))
    declared = bulletin.declared_seconds
    if declared and bulletin.priority != Priority.EMERGENCY:
        _require_length(forms.seconds, declared)
    return forms


def _require_length(seconds: float, declared: float) -> None:
    if abs(seconds - declared) > max(LENGTH_DIFFERS, declared / 5):
        raise BulletinRefused("source.wrong_length", seconds=round(seconds), declared=round(declared))
