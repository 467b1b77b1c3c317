"""Pages of publication duties: the register of a quarter with its workbook, one duty, and certificates."""

import datetime
from dataclasses import dataclass

from flask import Flask, flash, redirect, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from admin.access.kept_forms import take_kept
from admin.access.permissions import needs, require_in
from admin.access.visitors import visitor
from admin.calendar.scope import Doubts, doubts_about
from admin.duties.duty_fields import FIELDS, FIELDS_OF_NEW, draft_from, fields_of, offered_to
from admin.duties.quarters import quarter_named
from admin.layout.addresses import file_asked, text_asked
from admin.layout.language import say
from admin.layout.pages import Form, page, sent_form
from admin.layout.refusals import refusal_message
from admin.panel import Panel
from admin.reports.duty_section import days_heard, duty_section, heard_in_words, villages_met
from admin.reports.workbook import workbook_answer
from broadcast_bridge.duties import duty_certificates
from broadcast_bridge.duties.duty_outlook import (
    airings_to_come,
    notes_of,
    villages_not_covered,
    villages_without_speaker,
)
from broadcast_bridge.duties.duty_proof import proof_of
from broadcast_bridge.duties.duty_register import add_duty, cancel_duty, change_duty, duties_between, find_duty
from broadcast_bridge.duties.duty_rules import DutyRule
from broadcast_bridge.duties.duty_runs import Proposal, local_time, places_of, plan_runs, proposal
from broadcast_bridge.duties.errors import CertificateRefused, DutyRefused, NoSuchCertificate
from broadcast_bridge.duties.models import Duty
from broadcast_bridge.duties.states import ACTIVE, CERTIFIED
from broadcast_bridge.schedule.editing import account_as_planner
from broadcast_bridge.schedule.errors import PlanningNotAllowed, ScheduleRefused
from haichieu.account_rights import Action
from haichieu.actor_names import names_of_actors
from haichieu.database import now
from haichieu.errors import HaiChieuError, NotFound
from haichieu.station import the_station

NO_DOUBTS = Doubts()
START = datetime.time(5, 30)
"""The start time that the form proposes."""


@dataclass
class _Doubtful(Exception):
    """The runs raise doubts, or are others than those shown; rolls the transaction back."""

    doubts: Doubts = NO_DOUBTS


def register_duties(app: Flask, panel: Panel) -> None:
    """Add the pages."""

    @app.get("/duties")
    @needs(Action.VIEW)
    def duties() -> Response:
        """List the duties of a `quarter` in the visitor's units, or show the certificate with a code.

        With `as=xlsx`, return the list as a workbook.
        """
        if code := text_asked("certificate", 60):
            return _certificate(panel, code)
        return _workbook(panel) if file_asked() == "xlsx" else _list(panel, Form(take_kept(panel)))

    @app.post("/duties")
    @needs(Action.SCHEDULE, checks_units=True)
    def add_duty_now() -> Response:
        """Add an entry."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                draft = draft_from(form)
                require_in(session, Action.SCHEDULE, [draft.unit_id] if draft.unit_id else [])
                number = add_duty(session, draft, account_as_planner(session, visitor().account), now()).id
        except DutyRefused as refusal:
            form.problems[refusal.field] = refusal.message
            return _list(panel, form, 422)
        flash(say("duties.added"))
        return redirect(url_for("duty_page", number=number), 303)

    @app.get("/duties/<int:number>")
    @needs(Action.VIEW, where=unit_of_duty)
    def duty_page(number: int) -> Response:
        """Show a duty with its villages, its runs and those still needed."""
        return _duty(panel, number, Form(take_kept(panel)))

    @app.post("/duties/<int:number>")
    @needs(Action.SCHEDULE, where=unit_of_duty)
    def work_on_duty(number: int) -> Response:
        """Plan its runs, change or cancel it, or issue the certificate of a village (`do`)."""
        form = sent_form()
        try:
            with panel.database.session() as session:
                entry = _act(session, find_duty(session, number), form)
        except _Doubtful as unsure:
            return _duty(panel, number, form, 409, unsure.doubts)
        except (DutyRefused, ScheduleRefused, PlanningNotAllowed, CertificateRefused) as refusal:
            form.problems[refusal.field if isinstance(refusal, DutyRefused) else ""] = refusal_message(refusal)
            return _duty(panel, number, form, 403 if isinstance(refusal, PlanningNotAllowed) else 422)
        if entry is not None:
            with panel.database.reading() as session:
                return redirect(url_for("duties", certificate=duty_certificates.code_of(session, entry)), 303)
        flash(say(f"duties.done_{form.value('do')}"))
        return redirect(url_for("duty_page", number=number), 303)


def _workbook(panel: Panel) -> Response:
    with panel.database.reading() as session:
        here = local_time(session, now())
        quarter = quarter_named(text_asked("quarter", 6), here.date())
        found = duties_between(session, visitor().units, quarter.first, quarter.last)
        heading = say("duties.quarter", number=quarter.number, year=quarter.year)
        section = duty_section(found, villages_not_covered(session, found))
        return workbook_answer(f"haichieu-duties-{quarter}", [section], heading)


def unit_of_duty(session: Session, number: int) -> list[int]:
    """Return the unit of a duty. Raises NoSuchDuty."""
    return [find_duty(session, number).unit_id]


def _act(session: Session, duty: Duty, form: Form) -> int | None:
    """Do what the form asks for; return the audit entry of a certificate."""
    planner, at = account_as_planner(session, visitor().account), now()
    match form.value("do"):
        case "plan":
            wanted = proposal(session, duty, proof_of(session, duty), at)
            if wanted is None or mark_of(wanted) != form.value("runs"):
                raise _Doubtful
            made = plan_runs(session, duty, wanted, planner, at)
            doubts = doubts_about(session, made, at)
            if doubts and form.value("confirmed") != doubts.mark:
                raise _Doubtful(doubts)
        case "change":
            change_duty(session, duty, draft_from(form, duty), planner, at)
        case "cancel":
            cancel_duty(session, duty, form.value("reason"), planner, at)
        case "certify":
            return duty_certificates.certify(session, duty, form.row_id("village"), visitor().actor)
        case _:
            raise DutyRefused("panel.duties.no_action")
    return None


def mark_of(wanted: Proposal) -> str:
    """Return the runs of a proposal as the form sends them back, so that no others are planned."""
    return " ".join(
        [*(run.isoformat(timespec="minutes") for run in wanted.runs), *(zone.code for zone in wanted.zones)]
    )


def _list(panel: Panel, form: Form, status: int = 200) -> Response:
    who = visitor()
    with panel.database.reading() as session:
        today = local_time(session, now()).date()
        quarter = quarter_named(text_asked("quarter", 6), today)
        found = duties_between(session, who.units, quarter.first, quarter.last)
        not_covered = villages_not_covered(session, found)
        plans = who.may(Action.SCHEDULE)
        offered = offered_to(session, who, form.row_id("programme") or None) if plans else None
        started = {
            "decided_on": [today.isoformat()],
            "run_time": [f"{START:%H:%M}"],
            "unit": [str(who.account.unit_id)],
        }
        return page(
            "duties/duties.html", status, form=form, duties=found, quarter=quarter, offered=offered,
            typed=Form({**started, **form.fields}, form.problems), fields=FIELDS_OF_NEW,
            section=duty_section(found, not_covered), not_covered=not_covered, station=the_station(session),
            printed_at=now(), days_heard=days_heard, villages_met=villages_met,
        )  # fmt: skip


def _duty(panel: Panel, number: int, form: Form, status: int = 200, doubts: Doubts = NO_DOUBTS) -> Response:
    who, at = visitor(), now()
    with panel.database.reading() as session:
        duty = find_duty(session, number)
        proof, here = proof_of(session, duty), local_time(session, at)
        places = places_of(session, duty.zones)
        wanted = proposal(session, duty, proof, at, places)
        plans = who.may(Action.SCHEDULE)
        changing = form.value("do") == "change"
        return page(
            "duties/duty.html", status, duty=duty, proof=proof, wanted=wanted, mark=mark_of(wanted) if wanted else "",
            coming=airings_to_come(session, duty, proof, places, here),
            notes=notes_of(duty, proof, here), without_speaker=villages_without_speaker(session, places),
            schedules=[one for one in duty.schedules if one.removed_at is None], doubts=doubts,
            changed=status == 409 and not doubts, form=form if changing else Form(fields_of(duty)), sent=form,
            fields=FIELDS,
            is_active=duty.state in ACTIVE,
            certified=CERTIFIED, heard_in_words=heard_in_words, plans=plans,
            may_plan=plans and (not duty.law.every_hours or who.may(Action.EMERGENCY)),
            offered=offered_to(session, who, duty.programme_id) if plans else None, refusal=form.problems.get(""),
        )  # fmt: skip


def _certificate(panel: Panel, code: str) -> Response:
    with panel.database.reading() as session:
        try:
            found = duty_certificates.certificate_coded(session, code)
            if find_duty(session, found.duty_id).unit_id not in visitor().units:
                raise NoSuchCertificate("duty.certificate.unknown", code=code[:40])
        except (NotFound, CertificateRefused) as refusal:
            return _refuse_code(panel, code, refusal)
        facts = found.facts
        rule = DutyRule("", str(facts["kind"]), str(facts["number"]), str(facts["articles"]))
        days = {
            name: datetime.date.fromisoformat(str(facts[name]))
            for name in ("decided_on", "deadline", "met_on")
            if facts[name]
        }
        issuer = names_of_actors(session, [found.issued_by]).get(found.issued_by, found.issued_by)
        return page(
            "duties/certificate.html", certificate=found, issuer=issuer, facts=facts, days=days, source=rule.source,
            runs=_runs(found), not_covered=[name for name in str(facts.get("not_covered", "")).split("; ") if name],
        )  # fmt: skip


def _refuse_code(panel: Panel, code: str, refusal: HaiChieuError) -> Response:
    status = 409 if isinstance(refusal, CertificateRefused) else 404
    return _list(panel, Form({"certificate": [code]}, {"certificate": refusal.message}), status)


def _runs(found: duty_certificates.Certificate) -> list[tuple[datetime.datetime, str, str, str]]:
    """Return the runs of a certificate: start, speakers that played it of all, those that confirmed, broadcast."""
    rows = [line.split() for line in found.runs if line]
    return [(datetime.datetime.fromisoformat(at), played, confirmed, number) for at, played, confirmed, number in rows]
