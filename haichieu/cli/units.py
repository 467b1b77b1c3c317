"""`haichieu unit`: merge, rename, split and move units, undo a change, and show the tree."""

from collections.abc import Callable, Sequence
from typing import Annotated

import sqlalchemy as sa
import typer
from sqlalchemy.orm import Session

from haichieu.account_rights import Action, account_of, require_everywhere
from haichieu.cli.options import Home
from haichieu.command_language import said_here, say, show_moment
from haichieu.database import Database
from haichieu.district.unit_rules import RULES
from haichieu.district.words_of_tables import Places
from haichieu.errors import UsageError
from haichieu.people import Unit
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings
from haichieu.units.carrying_out import Outcome, carry_out, preview
from haichieu.units.effects import by_group
from haichieu.units.former_names import former_names
from haichieu.units.requests import STAYS, Merge, Move, Part, Rename, Request, Split, cleaned_name, rows_to_give
from haichieu.units.tree import Tree
from haichieu.units.undoing import find_change, latest_changes, undo

app = typer.Typer(name="unit", help=say("cli.unit.help"), no_args_is_help=True)

ACTOR = "command line"
MOST_CHANGES = 20

Code = Annotated[str, typer.Argument(help=say("cli.unit.unit"))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=say("cli.unit.dry_run"))]
By = Annotated[str, typer.Option("--by", help=say("cli.unit.by"))]
NewName = Annotated[str, typer.Option("--name", help=say("cli.unit.name"))]

Work = Callable[[Session, str], Outcome]


@app.command(help=say("cli.unit.merge"))
def merge(
    units: Annotated[list[str], typer.Argument(help=say("cli.unit.units"))],
    into: Annotated[str, typer.Option("--into", help=say("cli.unit.into"))],
    name: NewName = "",
    by: By = "",
    dry_run: DryRun = False,
    home: Home = None,
) -> None:
    def wanted(session: Session) -> Request:
        return Merge([_unit(session, one).id for one in units], _unit(session, into).id, cleaned_name(name))

    _change(wanted, by, home, dry_run=dry_run)


@app.command(help=say("cli.unit.rename"))
def rename(
    unit: Code,
    name: Annotated[str, typer.Argument(help=say("cli.unit.name"))],
    by: By = "",
    dry_run: DryRun = False,
    home: Home = None,
) -> None:
    _change(lambda session: Rename(_unit(session, unit).id, cleaned_name(name)), by, home, dry_run=dry_run)


@app.command(help=say("cli.unit.move"))
def move(
    unit: Code,
    to: Annotated[str, typer.Option("--to", help=say("cli.unit.to"))],
    by: By = "",
    dry_run: DryRun = False,
    home: Home = None,
) -> None:
    _change(lambda session: Move(_unit(session, unit).id, _unit(session, to).id), by, home, dry_run=dry_run)


@app.command(help=say("cli.unit.split"))
def split(
    unit: Code,
    new: Annotated[list[str], typer.Option("--new", help=say("cli.unit.new"))],
    speaker: Annotated[list[str] | None, typer.Option("--speaker", help=say("cli.unit.speaker"))] = None,
    below: Annotated[list[str] | None, typer.Option("--unit", help=say("cli.unit.below"))] = None,
    official: Annotated[list[str] | None, typer.Option("--official", help=say("cli.unit.official"))] = None,
    account: Annotated[list[str] | None, typer.Option("--account", help=say("cli.unit.account"))] = None,
    number: Annotated[list[str] | None, typer.Option("--number", help=say("cli.unit.number"))] = None,
    by: By = "",
    dry_run: DryRun = False,
    home: Home = None,
) -> None:
    gifts = {
        "speakers.unit_id": speaker, "units.parent_id": below, "officials.unit_id": official,
        "accounts.unit_id": account, "numbers.unit_id": number,
    }  # fmt: skip

    def wanted(session: Session) -> Request:
        whole = _unit(session, unit)
        parts = [Part(code.strip(), cleaned_name(name)) for code, name in map(_pair, new)]
        given: dict[tuple[str, int], str] = {}
        for reference, typed in gifts.items():
            given |= _given(session, whole, reference, typed or [])
        return Split(whole.id, parts, given)

    _change(wanted, by, home, dry_run=dry_run)


@app.command("undo", help=say("cli.unit.undo"))
def undo_change(
    number: Annotated[int, typer.Argument(help=say("cli.unit.change"))],
    by: By = "",
    dry_run: DryRun = False,
    home: Home = None,
) -> None:
    def work(session: Session, actor: str) -> Outcome:
        _require(session, by, find_change(session, number).units)
        return undo(session, RULES, number, actor)

    _do(open_station(load_settings(home=home)).database, work, by, dry_run=dry_run)


@app.command("list", help=say("cli.unit.list"))
def list_units(home: Home = None) -> None:
    station = open_station(load_settings(home=home))
    with station.database.reading() as session:
        old = former_names(session)
        for unit, depth in Tree(session).in_order():
            formerly = say("cli.unit.formerly", names=tuple(old[unit.id])) if unit.id in old else ""
            print("  " * depth + unit.code, unit.name, formerly, sep="\t")
        for change in latest_changes(session, MOST_CHANGES):
            undone = say("cli.unit.undone", at=show_moment(session, change.undone_at)) if change.undone_at else ""
            print(change.id, show_moment(session, change.at), said_here(session, change.said), undone, sep="\t")


def _change(wanted: Callable[[Session], Request], by: str, home: Home, *, dry_run: bool) -> None:
    def work(session: Session, actor: str) -> Outcome:
        request = wanted(session)
        _require(session, by, request.concerned(Tree(session)))
        return carry_out(session, RULES, request, actor)

    _do(open_station(load_settings(home=home)).database, work, by, dry_run=dry_run)


def _do(database: Database, work: Work, by: str, *, dry_run: bool) -> None:
    """Do the work, or only show it, and print its effects."""
    actor = f"account:{by}" if by else ACTOR
    if dry_run:
        outcome = preview(database, lambda session: work(session, actor))
    else:
        with database.session() as session:
            outcome = work(session, actor)
    with database.reading() as session:
        print(said_here(session, outcome.said))
        for heading, effects in by_group(outcome.effects):
            print(f"{said_here(session, heading)}:")
            for one in effects:
                print(f"  {said_here(session, one.said)}")
    print(say("cli.unit.only_shown") if dry_run else say("cli.unit.done", number=outcome.change_id or 0))


def _require(session: Session, by: str, units: Sequence[int] | set[int]) -> None:
    """Raise NotAllowed unless the account, if one is named, may configure all of these units."""
    if by:
        require_everywhere(session, account_of(session, by), Action.CONFIGURE, units)


def _unit(session: Session, typed: str) -> Unit:
    """Return a unit by its code, also a retired one, or by its name. Raises UsageError."""
    for code in (typed, Places(session).code("unit", typed)):
        if unit := session.scalar(sa.select(Unit).where(Unit.code == code)):
            return unit
    raise UsageError("cli.no_unit", code=typed)


def _given(session: Session, unit: Unit, name: str, typed: Sequence[str]) -> dict[tuple[str, int], str]:
    """Read `ROW=PART`; the code of the unit itself is the part that stays. Raises UsageError."""
    reference = RULES.of(name)
    known = {code: row_id for row_id, code, _ in rows_to_give(session, reference, unit.id)} if reference else {}
    found = {}
    for row, part in map(_pair, typed):
        if row not in known:
            raise UsageError("unit_tree.not_of_unit", names=row)
        found[name, known[row]] = STAYS if part == unit.code else part
    return found


def _pair(typed: str) -> tuple[str, str]:
    """Split `KEY=VALUE`. Raises UsageError."""
    key, equals, value = typed.partition("=")
    if not (equals and key.strip() and value.strip()):
        raise UsageError("cli.unit.no_pair", typed=typed)
    return key.strip(), value.strip()
