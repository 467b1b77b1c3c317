"""`haichieu status`: what is up, who can be reached, what is on air, what waits."""

import datetime
import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from haichieu.database import Database, migrate, now
from haichieu.errors import UsageError
from haichieu.locale import render
from haichieu.settings import Settings
from haichieu.station_status import COMPONENTS, StationStatus, component_states, station_status


def run_status(settings: Settings, *, as_json: bool, component: str | None) -> int:
    """Print the state of the station; return 0 when all of it, or the component asked for, is up, else 1."""
    if component is not None and component not in COMPONENTS:
        raise UsageError(f"Không có thành phần {component!r}. / There is no component {component!r}: {COMPONENTS}")
    migrate(settings.resolved_database_url)
    database = Database(settings.resolved_database_url)
    with database.session() as session:
        if component is not None:
            return 0 if any(part.ok for part in component_states(session, now()) if part.name == component) else 1
        status = station_status(session, now())
    if as_json:
        print(json.dumps(status.as_json(settings.ui_language), ensure_ascii=False, default=_moment))
    else:
        _print(status, settings.ui_language)
    return 0 if status.ok else 1


def _moment(value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} in a status")


def _print(status: StationStatus, language: str) -> None:
    console = Console()
    for part in status.components:
        word = "[green]chạy / up[/]" if part.ok else "[red]DỪNG / DOWN[/]"
        console.print(f"{part.name:12} {word}")
    console.print(f"cụm loa / speakers: {status.reachable}/{len(status.speakers)}")
    if not status.speakers:
        console.print("  Chưa có cụm loa: chạy haichieu apply. / No speakers yet: run haichieu apply FILE.")
    table = Table(box=None, show_header=False)
    for speaker in status.speakers:
        reachable = "[green]●[/]" if speaker.reachable else "[red]○[/]"
        since = f"{speaker.since:%Y-%m-%d %H:%M:%S} UTC" if speaker.since else ""
        table.add_row(reachable, speaker.code, speaker.name, since if speaker.supervised else "multicast")
    console.print(table)
    for broadcast in status.on_air:
        console.print(
            f"[bold]ĐANG PHÁT / ON AIR[/] #{broadcast.id} {broadcast.zone}: {broadcast.official}, "
            f"{broadcast.playing}/{broadcast.speakers} ({broadcast.state})"
        )
    if not status.on_air:
        console.print("Không có gì đang phát. / Nothing is on air.")
    if status.transcriber == "none":
        console.print("  Máy ghi chữ đang tắt (HAICHIEU_TRANSCRIBER=none). / The transcriber is switched off.")
    console.print(f"cuộc gọi lại đang chờ / call-backs owed: {status.call_backs_owed}")
    console.print(
        f"phản ánh chờ trả lời / cases open: {status.cases.open}, quá hạn / overdue: {status.cases.overdue}, "
        f"chờ chép lời / waiting to be transcribed: {status.cases.transcripts}"
    )
    console.print(f"tin nhắn đang chờ / texts waiting: {status.texts_waiting}")
    for alarm in status.alarms:
        console.print(f"[red]![/] {escape(render(alarm, language))}")
