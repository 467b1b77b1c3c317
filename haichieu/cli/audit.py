"""`haichieu audit`: the trail of who did what, to read and to verify."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from haichieu import audit
from haichieu.audit import Head
from haichieu.database import Database, migrate
from haichieu.errors import UsageError
from haichieu.settings import load_settings

app = typer.Typer(name="audit", help="Nhật ký hệ thống / the audit trail.", no_args_is_help=True)

Home = Annotated[
    Path | None, typer.Option("--home", help="Thư mục của đài / folder of the station [HAICHIEU_HOME, ./var].")
]


@app.command()
def verify(
    home: Home = None,
    noted: Annotated[
        str, typer.Option("--head", help="Số và mã đã ghi lại, SỐ:MÃ / a head noted down earlier, POSITION:DIGEST.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="In JSON / print JSON.")] = False,
) -> None:
    """Kiểm tra nhật ký có bị sửa không / check that nothing was altered or removed. Exit status 1 when it was."""
    with _open(home).session() as session:
        verdict = audit.verify(session, _head(noted))
    if as_json:
        print(
            json.dumps(
                {
                    "ok": verdict.broken_at is None,
                    "entries": verdict.head.position,
                    "head": f"{verdict.head.position}:{verdict.head.digest}",
                    "broken_at": verdict.broken_at,
                    "problem": verdict.problem or None,
                },
                ensure_ascii=False,
            )
        )
    elif verdict.broken_at is None:
        print(
            f"Nhật ký nguyên vẹn, {verdict.head.position} mục. / The trail is whole, {verdict.head.position} entries."
        )
        print(f"{verdict.head.position}:{verdict.head.digest}")
    else:
        print(f"Nhật ký HỎNG ở mục / the trail is BROKEN at entry {verdict.broken_at}: {verdict.problem}")
    raise SystemExit(0 if verdict.broken_at is None else 1)


@app.command("list")
def list_entries(
    home: Home = None,
    words: Annotated[
        str, typer.Option("--search", help="Người, việc hoặc đối tượng / part of who, what or whom.")
    ] = "",
    most: Annotated[int, typer.Option(min=1, max=1000, help="Nhiều nhất / at most.")] = 50,
) -> None:
    """Xem nhật ký, mới nhất trước / read the trail, the newest first."""
    with _open(home).session() as session:
        found = audit.find(session, words=words, most=most)
    if not found:
        print("Nhật ký chưa có mục nào như vậy. / The trail has no such entry.")
        return
    table = Table()
    for column in ("lúc / at", "ai / who", "việc / did", "đối tượng / to what", "chi tiết / detail"):
        table.add_column(column)
    for entry in found:
        detail = json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
        table.add_row(f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}", entry.actor, entry.action, entry.subject, detail)
    Console().print(table)


def _open(home: Path | None) -> Database:
    settings = load_settings(home=home)
    migrate(settings.resolved_database_url)
    return Database(settings.resolved_database_url)


def _head(noted: str) -> Head | None:
    if not noted:
        return None
    if not re.fullmatch(r"\d+:[0-9a-f]{64}", noted):
        raise UsageError(f"--head cần dạng SỐ:MÃ / --head takes POSITION:DIGEST, not {noted!r}.")
    position, digest = noted.split(":")
    return Head(int(position), digest)
