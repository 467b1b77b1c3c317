"""Export of the personal data of one citizen: a ZIP file with `data.json`, sounds and files.

Internal notes and the names of officials belong to the office and are left out.
"""

import json
import os
import zipfile
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.citizens.privacy import NoSuchCitizen, drafts_of
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Citizen, CitizenCall, Message
from feedback.states import Direction
from haichieu import audit
from haichieu.errors import UsageError
from haichieu.media import MediaStore
from haichieu.people import Unit

Json = dict[str, object]


def export_citizen(
    session: Session, store: MediaStore, book: CitizenBook, number: str, target: Path, actor: str
) -> int:
    """Write the data of the citizen with this number (E.164) and return the number of cases.

    The file is created with mode 0600 and must not exist yet. Raises NoSuchCitizen or UsageError.
    """
    citizen = book.find(session, number)
    calls = session.scalars(sa.select(CitizenCall).where(CitizenCall.number_hash == book.digest(number))).all()
    drafts = drafts_of(session, book, number)
    if citizen is None and not calls and not drafts:
        raise NoSuchCitizen
    cases = (
        session.scalars(sa.select(Case).where(Case.citizen_id == citizen.id).order_by(Case.id)).all() if citizen else []
    )
    files: dict[str, Path] = {}
    data: Json = {
        "number": number,
        "citizen": _citizen(session, citizen) if citizen else None,
        "cases": [_case(case, store, files) for case in cases],
        "calls_owed": [
            {"dialled": call.dialled, "state": call.state, "due_at": call.due_at.isoformat()} for call in calls
        ],
        "recordings_under_way": [{"started_at": draft.started_at.isoformat()} for draft in drafts],
    }
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        raise UsageError("citizen.export.not_written", path=target, problem=str(problem.strerror)) from problem
    with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1))
        for name, path in files.items():
            if path.exists():
                archive.write(path, name)
    audit.record(session, actor, "citizen.export", "citizen", cases=len(cases))
    return len(cases)


def _citizen(session: Session, citizen: Citizen) -> Json:
    unit = session.get(Unit, citizen.unit_id) if citizen.unit_id else None
    return {
        "unit": unit.name if unit else None,
        "language": citizen.language,
        "no_texts_since": citizen.opted_out_at.isoformat() if citizen.opted_out_at else None,
        "first_seen_at": citizen.created_at.isoformat(),
        "last_seen_at": citizen.seen_at.isoformat(),
    }


def _case(case: Case, store: MediaStore, files: dict[str, Path]) -> Json:
    return {
        "number": case.number,
        "channel": case.channel,
        "status": case.status,
        "unit": case.unit.name,
        "category": case.category.name if case.category else None,
        "opened_at": case.opened_at.isoformat(),
        "answered_at": case.answered_at.isoformat() if case.answered_at else None,
        "closed_at": case.closed_at.isoformat() if case.closed_at else None,
        "messages": [
            _message(message, case.number, store, files)
            for message in case.messages
            if message.direction != Direction.NOTE
        ],
    }


def _message(message: Message, case_number: str, store: MediaStore, files: dict[str, Path]) -> Json:
    names = []
    for attachment in message.attachments:
        name = f"files/{case_number}-{message.id}-{attachment.id}-{attachment.name}"
        files[name] = store.path(attachment.media)
        names.append(name)
    sound = None
    if message.sound is not None:
        sound = f"sounds/{case_number}-{message.id}{message.sound.suffix}"
        files[sound] = store.path(message.sound)
    return {
        "direction": message.direction,
        "channel": message.channel,
        "at": message.at.isoformat(),
        "text": message.text,
        "transcript": message.transcript.text if message.transcript else None,
        "sound": sound,
        "files": names,
        "ways": [{"way": reply.way, "state": reply.state} for reply in message.replies],
    }
