"""Export of the personal data of one citizen: a ZIP file with a page to read, `data.json`, sounds and files.

Internal notes and the names of officials belong to the office and are left out.
"""

import json
import os
import zipfile
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from feedback.citizens.consents import consents_of
from feedback.citizens.models import DataRequest
from feedback.citizens.privacy import NoSuchCitizen, drafts_of
from feedback.citizens.readable_copy import NAME, readable_copy
from feedback.citizens.registry import CitizenBook
from feedback.models import Case, Citizen, CitizenCall, FormalCase, Message
from feedback.states import Direction
from haichieu import audit
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.media import MediaStore
from haichieu.people import Unit
from haichieu.station import the_station

Json = dict[str, object]


def export_citizen(
    session: Session, store: MediaStore, book: CitizenBook, number: str, target: Path, actor: str
) -> int:
    """Write the data of the citizen with this number (E.164), record it in the audit trail, return the number of cases.

    The file is created with mode 0600 and must not exist yet. Raises NoSuchCitizen or UsageError.
    """
    cases = write_archive(session, store, book, number, target)
    audit.record(session, actor, "citizen.export", "citizen", cases=cases)
    return cases


def write_archive(session: Session, store: MediaStore, book: CitizenBook, number: str, target: Path) -> int:
    """Write the data of the citizen with this number (E.164) without a record; see `export_citizen`."""
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
        "cases": [{**_case(case, store, files), **_rights(session, case, store, book, files)} for case in cases],
        "calls_owed": [
            {"dialled": call.dialled, "state": call.state, "due_at": call.due_at.isoformat()} for call in calls
        ],
        "recordings_under_way": [{"started_at": draft.started_at.isoformat()} for draft in drafts],
        "requests": _requests(session, citizen) if citizen else [],
    }
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        raise UsageError("citizen.export.not_written", path=target, problem=str(problem.strerror)) from problem
    with os.fdopen(descriptor, "wb") as raw, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, readable_copy(data, the_station(session), now()))
        archive.writestr("data.json", json.dumps(data, ensure_ascii=False, indent=1))
        for name, path in files.items():
            if path.exists():
                archive.write(path, name)
    return len(cases)


def _rights(session: Session, case: Case, store: MediaStore, book: CitizenBook, files: dict[str, Path]) -> Json:
    """Return the consents of a case with their recordings, and its entry in the formal register."""
    consents = []
    for one in consents_of(session, case):
        sound = None
        if one.sound is not None:
            sound = f"sounds/{case.number}-consent-{one.id}{one.sound.suffix}"
            files[sound] = store.path(one.sound)
        withdrawn = one.withdrawn_at.isoformat() if one.withdrawn_at else None
        consents.append(
            {
                "purpose": one.purpose,
                "form": one.form,
                "given_at": one.given_at.isoformat(),
                "withdrawn_at": withdrawn,
                "sound": sound,
            }
        )
    entry = session.get(FormalCase, case.id)
    formal: Json | None = None
    if entry is not None:
        locked = {"name": entry.name_locked, "address": entry.address_locked, "phone": entry.phone_locked}
        formal = {name: book.unlock(value) if value else "" for name, value in locked.items()}
        formal |= {"content": entry.content, "result": entry.result}
    return {"consents": consents, "formal": formal}


def _requests(session: Session, citizen: Citizen) -> list[Json]:
    query = sa.select(DataRequest).where(DataRequest.citizen_id == citizen.id).order_by(DataRequest.id)
    return [
        {
            "kind": one.kind,
            "purpose": one.purpose,
            "state": one.state,
            "asked_at": one.asked_at.isoformat(),
            "due_at": one.due_at.isoformat(),
        }
        for one in session.scalars(query)
    ]


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
