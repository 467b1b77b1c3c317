"""`haichieu flow`: the call flows of the station: drafts, checks, publishing, going back, and trying them out."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from haichieu.account_rights import Action, account_of, require_everywhere
from haichieu.cli.in_home import By, Home, open_station
from haichieu.cli.sounds import open_prompts
from haichieu.database import Database, now
from haichieu.errors import UsageError
from haichieu.settings import load_settings
from ivr.flow import delivered_flows, parse_flow
from ivr.own_flows import drafts, versions
from ivr.own_flows.checking import FlowCheck
from ivr.own_flows.concern import units_concerned
from ivr.own_flows.errors import NoDraft
from ivr.own_flows.numbers import current_definition, current_number, find_version
from ivr.own_flows.sketch import read_sketch
from ivr.own_flows.trial import ENTERED, Circumstances, try_out
from ivr.prompt_store import PromptStore

app = typer.Typer(name="flow", help="Kịch bản cuộc gọi / call flows: draft, publish, roll back.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Tên kịch bản / name of the flow, e.g. hotline.")]
Because = Annotated[str, typer.Option("--because", help="Lý do / why it is changed.")]
Over = Annotated[
    int | None, typer.Option("--over", help="Chỉ khi bản này đang dùng / only while this version is in use.")
]


@app.command("list")
def list_flows(home: Home = None) -> None:
    """Danh sách kịch bản / the flows, which version calls follow, and whether there is a draft."""
    database, _ = open_station(home)
    table = Table()
    for column in ("kịch bản / flow", "bản đang dùng / in use", "bởi / by", "vì / because", "nháp / draft"):
        table.add_column(column)
    with database.reading() as session:
        for name in sorted(delivered_flows()):
            newest, draft = next(iter(versions.history(session, name)), None), drafts.find_draft(session, name)
            table.add_row(
                name,
                str(newest.number) if newest else "0 (có sẵn / built in)",
                newest.published_by.split(":")[-1] if newest else "",
                newest.because if newest else "",
                f"{draft.edition}: {draft.changed_by.split(':')[-1]}" if draft else "",
            )
    Console().print(table)


@app.command()
def show(
    name: Name,
    home: Home = None,
    version: Annotated[int | None, typer.Option(help="Bản số / which version; 0 is the built-in one.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Bản nháp / the draft.")] = False,
) -> None:
    """In kịch bản dạng JSON / print a flow as JSON: the version in use, another one, or the draft."""
    database, _ = open_station(home)
    with database.reading() as session:
        print(_definition(session, name, version, draft=draft))


@app.command("draft")
def draft_flow(
    file: Annotated[Path, typer.Argument(help="Tệp JSON, '-' là đầu vào chuẩn / a JSON file.")],
    by: By,
    home: Home = None,
    replace: Annotated[bool, typer.Option("--replace", help="Thay bản nháp đang có / replace the draft.")] = False,
) -> None:
    """Lấy tệp làm bản nháp / keep a file as the draft of the flow that it names, and say what is wrong with it."""
    definition = _read(file)
    name = str(read_sketch(definition).content.get("flow", ""))
    database, _ = open_station(home)
    with database.session() as session:
        who = _who(session, name, by)
        if drafts.find_draft(session, name) is not None and not replace:
            raise UsageError(
                f"Đã có bản nháp của {name}: xem rồi dùng --replace. / "
                f"There is a draft of {name}: look at it, then --replace."
            )
        edition = drafts.save(session, name, definition, _seen(session, name), who, now()).edition
    print(f"{name}\tnháp / draft {edition}")
    for mistake in _check(home, database).mistakes(name, definition):
        print(f"{mistake.sentence('vi')} / {mistake.sentence('en')}", file=sys.stderr)


@app.command()
def discard(name: Name, by: By, home: Home = None) -> None:
    """Bỏ bản nháp / throw the draft away."""
    database, _ = open_station(home)
    with database.session() as session:
        who = _who(session, name, by)
        drafts.discard(session, name, _seen(session, name), who)


@app.command()
def check(file: Annotated[Path, typer.Argument(help="Tệp JSON / a JSON file.")], home: Home = None) -> None:
    """Kiểm tra một tệp / say what is wrong with a file. Exit status 2 when something is."""
    definition = _read(file)
    database, _ = open_station(home)
    flow = _check(home, database).require_sound(parse_flow(definition).flow, definition)
    print(f"{flow.flow}\t{len(flow.nodes)} bước / steps")


@app.command()
def publish(name: Name, by: By, because: Because, home: Home = None, over: Over = None) -> None:
    """Đưa bản nháp vào sử dụng / publish the draft: the next call follows it."""
    database, _ = open_station(home)
    checks = _check(home, database)
    with database.session() as session:
        who = _who(session, name, by)
        made = versions.publish(
            session, name, seen=_seen(session, name), because=because, who=who, at=now(),
            over=over if over is not None else current_number(session, name), check=checks,
        )  # fmt: skip
        print(f"{name}\t{made.number}")


@app.command("roll-back")
def roll_back(
    name: Name,
    version: Annotated[int, typer.Argument(help="Bản số / the version to go back to; 0 is the built-in one.")],
    by: By,
    because: Because,
    home: Home = None,
    over: Over = None,
) -> None:
    """Quay lại một bản cũ / publish an earlier version anew; the draft stays."""
    database, _ = open_station(home)
    checks = _check(home, database)
    with database.session() as session:
        who = _who(session, name, by)
        made = versions.roll_back(
            session, name, version, because=because, who=who, at=now(), check=checks,
            over=over if over is not None else current_number(session, name),
        )  # fmt: skip
        print(f"{name}\t{made.number}")


@app.command()
def simulate(
    name: Name,
    keys: Annotated[
        list[str] | None, typer.Argument(help="Phím bấm ở từng câu hỏi, '-' là im lặng / keys for each question.")
    ] = None,
    home: Home = None,
    version: Annotated[int | None, typer.Option(help="Bản số / which version.")] = None,
    draft: Annotated[bool, typer.Option("--draft", help="Bản nháp / the draft.")] = False,
    language: Annotated[str, typer.Option(help="Ngôn ngữ / language (ISO 639).")] = "vi",
    stranger: Annotated[bool, typer.Option("--stranger", help="Số gọi lạ / the caller is unknown.")] = False,
    called_back: Annotated[bool, typer.Option("--called-back", help="Đài gọi đi / the station calls.")] = False,
) -> None:
    """Thử kịch bản không cần điện thoại / walk through a flow without a telephone, and print what is said."""
    database, _ = open_station(home)
    with database.reading() as session:
        flow = parse_flow(_definition(session, name, version, draft=draft))
    about = Circumstances(language=language, known_caller=not stranger, called_back=called_back)
    pressed = ["" if each == "-" else each for each in keys or ()]
    trial = asyncio.run(try_out(flow, pressed, _prompts(home, database), about))
    for line in trial.lines:
        print(f"[{line.removeprefix(ENTERED)}]" if line.startswith(ENTERED) else f"  {line}")
    print("  …" if trial.waits else f"  ({trial.end})")


def _seen(session: Session, name: str) -> str:
    """Whoever types a command means what is there now."""
    return drafts.mark_of(drafts.at_work(session, name))


def _definition(session: Session, name: str, version: int | None, *, draft: bool) -> str:
    if draft:
        kept = drafts.find_draft(session, name)
        if kept is None:
            raise NoDraft(name)
        return kept.definition
    return current_definition(session, name) if version is None else find_version(session, name, version)


def _who(session: Session, name: str, email: str) -> str:
    """The account as the audit trail calls it. Raises NoSuchFlow or NotAllowed."""
    account = account_of(session, email)
    require_everywhere(session, account, Action.CONFIGURE, units_concerned(session, name))
    return f"account:{account.email}"


def _read(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"Không đọc được {file}: {problem} / Cannot read {file}: {problem}") from problem


def _prompts(home: Path | None, database: Database) -> PromptStore:
    return open_prompts(load_settings(home=home).home.absolute(), database)


def _check(home: Path | None, database: Database) -> FlowCheck:
    prompts = _prompts(home, database)
    return FlowCheck(prompts, prompts.languages)
