"""`haichieu status`: components, reachable speakers, current broadcasts, pending work and open alarms."""

import datetime
import json
from dataclasses import asdict
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from haichieu.command_language import language, said, say, terminal
from haichieu.database import now
from haichieu.errors import UsageError
from haichieu.locale import message
from haichieu.nodes import NodeStatus
from haichieu.processes.opened_station import open_station
from haichieu.settings import Settings
from haichieu.sip.certificate import CertificateNotUsable, certificate_facts
from haichieu.station_status import COMPONENTS, FAN_OUT, OnAir, StationStatus, component_states, station_status


def run_status(settings: Settings, *, as_json: bool, component: str | None) -> int:
    """Print the state of the station. Return 0 when it, or the given component, is up, else 1."""
    if component is not None and component not in (*COMPONENTS, FAN_OUT):
        raise UsageError("cli.status.no_component", name=component, known=(*COMPONENTS, FAN_OUT))
    with open_station(settings).database.reading() as session:
        if component is not None:
            return (
                0
                if any(part.ok for part in component_states(session, now(), settings.node) if part.name == component)
                else 1
            )
        status = station_status(session, now(), settings.node)
    if as_json:
        said_status = {**status.as_json(language()), "sip_tls": _certificate(settings)}
        print(json.dumps(said_status, ensure_ascii=False, default=partial(_moment, ZoneInfo(status.timezone))))
    else:
        _print(status)
        _print_certificate(settings, status.timezone)
    return 0 if status.ok else 1


def _moment(zone: ZoneInfo, value: Any) -> str:
    if isinstance(value, datetime.datetime):
        return value.astimezone(zone).isoformat()
    raise TypeError(f"{type(value)} in a status")


def _print(status: StationStatus) -> None:
    console = terminal()
    for part in status.components:
        word = (say("cli.status.up"), "green") if part.ok else (say("cli.status.down"), "red")
        console.print(Text.assemble(f"{part.name:12} ", word))
    if status.nodes:
        console.print(say("cli.status.nodes"))
        for node in status.nodes:
            console.print(_node(node, status.timezone))
    console.print(say("cli.status.speakers", reachable=status.reachable, total=len(status.speakers)))
    if not status.speakers:
        console.print(f"  {say('cli.status.no_speakers')}")
    console.print(_speakers(status))
    if status.trunks:
        console.print(say("cli.status.trunks"))
        console.print(_trunks(status))
    for broadcast in status.on_air:
        console.print(_on_air(broadcast))
    if not status.on_air:
        console.print(say("cli.status.nothing_on_air"))
    if status.transcriber == "none":
        console.print(f"  {say('cli.status.no_transcriber')}")
    if status.voices:
        console.print(say("cli.status.voices", voices=status.voices))
    console.print(say("cli.status.call_backs", count=status.call_backs_owed))
    console.print(say("cli.status.cases", count=status.cases.open))
    console.print(say("cli.status.overdue", count=status.cases.overdue))
    console.print(say("cli.status.transcripts", count=status.cases.transcripts))
    console.print(say("cli.status.texts", count=status.texts_waiting))
    since = status.last_backup or message("backup.never")
    console.print(said(message("cli.status.backup", at=since), status.timezone))
    for alarm in status.alarms:
        console.print(_warning(said(alarm, status.timezone)))


def _certificate(settings: Settings) -> dict[str, object] | None:
    try:
        return {"port": settings.sip_tls_port, **asdict(certificate_facts(settings))}
    except CertificateNotUsable:
        return None


def _print_certificate(settings: Settings, timezone: str) -> None:
    """Print what an installer compares with a device that uses TLS."""
    console = terminal(soft_wrap=True)
    try:
        facts = certificate_facts(settings)
    except CertificateNotUsable as problem:
        console.print(_warning(said(problem.message)))
        return
    port, fingerprint = settings.sip_tls_port, facts.fingerprint
    console.print(
        say(
            "cli.status.sip_tls",
            port=port,
            until=facts.valid_until.astimezone(ZoneInfo(timezone)).date(),
            fingerprint=fingerprint,
        )
    )
    if facts.ends_soon(now()):
        console.print(_warning(say("cli.status.sip_tls_ends")))


def _speakers(status: StationStatus) -> Table:
    table = Table(box=None, show_header=False)
    for speaker in status.speakers:
        reachable = Text("●", "green") if speaker.reachable else Text("○", "red")
        since = said(message("cli.status.since", at=speaker.since), status.timezone) if speaker.since else ""
        table.add_row(reachable, speaker.code, speaker.name, since if speaker.supervised else "multicast")
    return table


def _trunks(status: StationStatus) -> Table:
    table = Table(box=None, show_header=False)
    for trunk in status.trunks:
        sign = Text("●", "green") if trunk.ok else Text("○", "red" if trunk.state else "yellow")
        since = said(message("cli.status.since", at=trunk.since), status.timezone) if trunk.since else ""
        table.add_row(sign, trunk.code, trunk.host, said(trunk.words), since)
    return table


def _node(node: NodeStatus, timezone: str) -> Text:
    state = "up" if node.ok else "node_stopped" if node.left else "down"
    offset = "?" if node.clock_offset is None else f"{node.clock_offset * 1000:.0f} ms"
    words = message(
        "cli.status.node",
        name=node.name,
        state=message(f"cli.status.{state}"),
        version=node.version,
        speakers=node.speakers,
        offset=offset,
        at=node.seen_at,
    )
    return Text.assemble(("●", "green") if node.ok else ("○", "red"), f" {said(words, timezone)}")


def _warning(words: str) -> Text:
    return Text.assemble(("!", "red"), f" {words}")


def _on_air(broadcast: OnAir) -> Text:
    words = say(
        "cli.status.broadcast",
        id=broadcast.id,
        zone=broadcast.zone,
        official=broadcast.official,
        playing=broadcast.playing,
        speakers=broadcast.speakers,
        state=broadcast.state,
    )
    return Text.assemble((say("cli.status.on_air"), "bold"), f" {words}")
