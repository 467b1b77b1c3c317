"""The broadcast log: a filtered list and the proof of each broadcast, both also as CSV."""

from collections.abc import Iterator, Sequence

from flask import Flask, url_for
from werkzeug.wrappers import Response

from admin.access.permissions import needs
from admin.access.visitors import visitor
from admin.broadcasts.log_filter import LogFilter, filter_asked, units_to_choose, zones_to_choose
from admin.broadcasts.proof import Proof, changes_soon, may_air_again, may_stop, missing_of, proof_of, sounds_of
from admin.broadcasts.scope import find_broadcast, seen_by
from admin.layout.addresses import file_asked, number_asked
from admin.layout.csv_files import csv_answer
from admin.layout.language import say, sentence, show_moment
from admin.layout.pages import page
from admin.panel import Panel
from broadcast_bridge.broadcasts import log
from broadcast_bridge.broadcasts.broadcast_lifecycle import is_open
from broadcast_bridge.broadcasts.log import Logged, when
from broadcast_bridge.broadcasts.states import BroadcastState, Kind, Priority, reason_message
from broadcast_bridge.broadcasts.villages import by_village, former_units
from haichieu.account_rights import Action
from haichieu.database import now
from haichieu.spreadsheet_cells import Cell
from haichieu.station import the_station
from haichieu.unit_names import unit_names

ROWS_AT_ONCE = 500


def register_broadcast_log(app: Flask, panel: Panel) -> None:
    """Add the pages and files of the log."""

    @app.get("/broadcasts")
    @needs(Action.VIEW)
    def broadcast_log_page() -> Response:
        """List the broadcasts that match the filter, the newest first; with `as=csv`, all of them as a CSV file."""
        if file_asked() == "csv":
            return csv_answer("broadcasts", _heads("number", *BROADCAST_COLUMNS), _log_rows(panel, filter_asked()))
        asked, before = filter_asked(), number_asked("before")
        with panel.database.reading() as session:
            wanted = asked.wanted(session, visitor(), now())
            found = log.find(session, wanted, seen_by(session, visitor()), before)
            units, zones = units_to_choose(session, visitor()), zones_to_choose(session)
        return page(
            "broadcasts/broadcast_log.html", found=found, asked=asked, before=before, units=units, zones=zones,
            reason_message=reason_message, states=list(BroadcastState), kinds=list(Kind), priorities=list(Priority),
        )  # fmt: skip

    @app.get("/broadcasts/<int:number>")
    @needs(Action.VIEW)
    def broadcast_page(number: int) -> Response:
        """Show one broadcast with its proof, printable; with `as=csv`, the proof as a CSV file."""
        if file_asked() == "csv":
            return _proof_file(panel, number)
        with panel.database.reading() as session:
            found = find_broadcast(session, visitor(), number)
            proof, station = proof_of(session, visitor(), found), the_station(session)
            again = may_air_again(session, visitor(), found, now())
            missing = missing_of(session, visitor(), found, now())
            villages = by_village(found.deliveries, unit_names(session), former_units(session, when(found)))
            sounds = [url_for("sound", number=one) for one in sounds_of(session, found)]
            stoppable = may_stop(session, visitor(), found)
        return page(
            "broadcasts/broadcast.html", broadcast=found, proof=proof, again=again, missing=missing, station=station,
            reason_message=reason_message, printed_at=now(), villages=villages, sounds=sounds, may_stop=stoppable,
            is_open=is_open(found), follows=changes_soon(found, now()),
        )  # fmt: skip


def _proof_file(panel: Panel, number: int) -> Response:
    """Return the proof of one broadcast as a CSV file."""
    with panel.database.reading() as session:
        timezone = the_station(session).timezone
        shown = proof_of(session, visitor(), find_broadcast(session, visitor(), number))
        rows: list[list[Cell]] = [
            [
                one.code, one.name, one.unit, say(f"delivery_state.{one.state}"),
                show_moment(one.first_audio_at, timezone, "HH:mm:ss").striptags(),
                round(one.seconds, 1), _heard(one), *_reported(one), one.attempts,
                sentence(reason_message(one.reason)),
                sentence(reason_message(one.called_off)),
            ]
            for one in shown
        ]  # fmt: skip
    return csv_answer(f"broadcast-{number}", _heads(*DELIVERY_COLUMNS), rows)


BROADCAST_COLUMNS = (
    "when",
    "what",
    "by",
    "zones",
    "kind",
    "priority",
    "state",
    "reason",
    "speakers",
    "heard",
    "synthetic",
)
DELIVERY_COLUMNS = (
    *("code", "speaker", "unit", "state", "first_audio", "seconds", "sounded", "loss_percent", "jitter"),
    *("attempts", "reason", "not_later"),
)  # fmt: skip


def _heard(one: Proof) -> str:
    if one.heard is None:
        return say("log.unknown")
    return say("log.yes" if one.heard else "log.no")


def _reported(one: Proof) -> Sequence[Cell]:
    """Return loss and jitter."""
    return [say("log.unknown")] * 2 if one.unknown else [one.loss_percent, one.jitter_ms]


def _heads(*names: str) -> list[str]:
    return [say(f"log.{name}") for name in names]


def _log_rows(panel: Panel, asked: LogFilter) -> Iterator[list[Cell]]:
    """Yield row by row, in short transactions, so that a long log blocks nobody."""
    before: int | None = None
    while True:
        with panel.database.reading() as session:
            wanted = asked.wanted(session, visitor(), now())
            found = log.find(session, wanted, seen_by(session, visitor()), before, ROWS_AT_ONCE)
            rows = [_row(one, the_station(session).timezone) for one in found.items]
        yield from rows
        before = found.before
        if before is None:
            return


def _row(one: Logged, timezone: str) -> list[Cell]:
    aired = one.broadcast
    return [
        aired.id, show_moment(one.when, timezone).striptags(), aired.on_air_name, aired.asked_by, aired.zone_names,
        say(f"broadcast_kind.{aired.kind}"), say(f"priority.{aired.priority}"), say(f"broadcast_state.{aired.state}"),
        sentence(reason_message(aired.reason)), one.speakers, one.heard,
        say(f"log.synthetic_{aired.synthetic}") if aired.synthetic else "",
    ]  # fmt: skip
