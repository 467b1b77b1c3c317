"""Cases, their messages, and answers."""

import sqlalchemy as sa
from flask import abort
from sqlalchemy.orm import Session, joinedload, selectinload

from admin.access.visitors import visitor
from admin.api import documents
from admin.api.api_operations import Api, Operation
from admin.api.documents import AnswerWish, CaseQuery, Cases
from admin.api.idempotency import remember
from admin.cases.scope import case_for_visitor, unit_of_case
from admin.layout.language import sentence
from admin.panel import Panel
from feedback.answers.replies import Answer, answer
from feedback.cases import case_search
from feedback.models import Case, Category, Department, Message
from feedback.states import Direction
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.people import Unit, units_under


def register_cases(api: Api, panel: Panel) -> None:
    """Add their routes."""

    @api.serves(Operation("GET", "/cases", "Cases, the newest first.", Action.READ_CASES, Cases, query=CaseQuery))
    def cases(query: CaseQuery) -> Cases:
        with panel.database.reading() as session:
            wanted = sa.select(Case).where(*_conditions(session, query)).options(*_ABOUT)
            if query.before is not None:
                wanted = wanted.where(Case.id < query.before)
            found = session.scalars(wanted.order_by(Case.id.desc()).limit(query.limit + 1)).all()
            shown = found[: query.limit]
            return Cases(
                items=[documents.Case(**_case(one)) for one in shown],
                next=shown[-1].id if len(found) > query.limit else None,
            )

    @api.serves(
        Operation(
            "GET", "/cases/<number>", "A case with its messages and transcripts.", Action.READ_CASES,
            documents.CaseWithMessages, refusals=(404,),
        ),
        where=unit_of_case,
    )  # fmt: skip
    def case(number: str) -> documents.CaseWithMessages:
        with panel.database.reading() as session:
            found = session.scalars(
                sa.select(Case)
                .where(Case.id == case_for_visitor(session, number).id)
                .options(
                    *_ABOUT,
                    selectinload(Case.messages).options(
                        joinedload(Message.sound), joinedload(Message.transcript), selectinload(Message.replies)
                    ),
                )
            ).one()
            return documents.CaseWithMessages(
                **_case(found), messages=[message_document(one) for one in found.messages]
            )

    def show_answer(number: int) -> documents.Message:
        with panel.database.reading() as session:
            answered = session.get(Message, number)
            if answered is None or answered.direction != Direction.OUT:  # it was taken back on the panel
                abort(404)
            return message_document(answered)

    @api.serves(
        Operation(
            "POST", "/cases/<number>/answers", "Answer a case by text, by call or on air.", Action.WORK_ON_CASES,
            documents.Message, body=AnswerWish, status=201, refusals=(404, 409), show=show_answer,
        ),
        where=unit_of_case,
    )  # fmt: skip
    def answer_case(number: str, body: AnswerWish) -> documents.Message:
        with panel.database.session() as session:
            given = Answer(visitor().actor, body.by, body.text)
            said = answer(session, case_for_visitor(session, number), given, now())
            session.flush()
            remember(session, said.id)
            session.refresh(said, ["replies"])
            return message_document(said)


def _conditions(session: Session, query: CaseQuery) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of a query in the visitor's units; an unknown code matches nothing."""
    asked = case_search.Wanted(
        query.text.replace("\x00", ""), [visitor().account.unit_id], [query.status] if query.status else (),
        channel=query.channel, overdue_at=now() if query.overdue else None,
    )  # fmt: skip
    found = case_search.conditions(session, asked)
    if query.unit is not None:
        unit = sa.select(Unit.id).where(Unit.code == query.unit, Unit.id.in_(visitor().units))
        found.append(Case.unit_id.in_(units_under(session, session.scalars(unit))))
    if query.category is not None:
        found.append(Case.category.has(Category.code == query.category))
    if query.department is not None:
        found.append(Case.department.has(Department.code == query.department))
    return found


_ABOUT = (joinedload(Case.unit), joinedload(Case.category), joinedload(Case.department))


def _case(one: Case) -> dict[str, object]:
    return {
        "number": one.number, "status": one.status, "channel": one.channel, "unit": one.unit.code,
        "category": one.category.code if one.category else None,
        "department": one.department.code if one.department else None,
        "language": one.language, "anonymous": one.citizen_id is None, "opened_at": one.opened_at,
        "due_at": one.due_at, "answered_at": one.answered_at, "closed_at": one.closed_at,
    }  # fmt: skip


def message_document(one: Message) -> documents.Message:
    """Return the document of one message."""
    heard = one.transcript
    return documents.Message(
        id=one.id, direction=one.direction, channel=one.channel, author=one.author, at=one.at, text=one.text,
        language=one.language, sound_seconds=one.sound.seconds if one.sound else None,
        transcript=documents.Transcript(
            text=heard.text, engine=heard.engine, model=heard.model, language=heard.language,
            confidence=heard.confidence, doubtful=heard.doubtful, corrected=bool(heard.corrected_by),
        ) if heard else None,
        replies=[
            documents.Reply(
                way=reply.way, state=reply.state, reason=sentence(reply.reason), changed_at=reply.changed_at
            )
            for reply in one.replies
        ],
    )  # fmt: skip
