"""`haichieu alert`: who may send alerts (CAP 1.2), what their codes mean here, and an alert from a file."""

import sys
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from broadcast_bridge.alerts.authenticity import DetachedSignature, EnvelopedSignature, Proof, SharedSecret
from broadcast_bridge.alerts.decisions import receive_from_anyone
from broadcast_bridge.alerts.geography import name_unit
from broadcast_bridge.alerts.models import AlertSource, CapAlert
from broadcast_bridge.alerts.sources import SourceSettings, configure_source
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.speakers.zones import zones_coded
from haichieu.account_rights import Action, account_of, require
from haichieu.cli.in_home import By, Home, open_station, unit_coded
from haichieu.database import now
from haichieu.locale import Message, render
from haichieu.settings import load_settings
from haichieu.vault import open_vault

app = typer.Typer(name="alert", help="Cảnh báo từ bên ngoài (CAP 1.2) / alerts from outside.", no_args_is_help=True)


@app.command()
def source(
    code: Annotated[str, typer.Argument(help="Mã nguồn / code of the source.")],
    name: Annotated[str, typer.Option(help="Tên nguồn / name.")],
    sender: Annotated[list[str], typer.Option(help="Mẫu tên người gửi / sender pattern, may be repeated.")],
    by: By,
    home: Home = None,
    certificate: Annotated[Path | None, typer.Option(help="Chứng thư X.509 PEM / certificate.", exists=True)] = None,
    public_key: Annotated[Path | None, typer.Option(help="Khóa Ed25519 PEM / public key.", exists=True)] = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Đọc khóa bí mật từ đầu vào chuẩn / read a shared secret from stdin.")
    ] = False,
    feed: Annotated[str, typer.Option(help="Địa chỉ Atom/RSS / feed to ask.")] = "",
    feed_seconds: Annotated[int, typer.Option(help="Hỏi mỗi / asked every, seconds.")] = 60,
    highest: Annotated[Priority, typer.Option(help="Mức ưu tiên cao nhất / highest priority.")] = Priority.EMERGENCY,
    exercises: Annotated[bool, typer.Option(help="Phát cả diễn tập / exercises are spoken.")] = False,
    zone: Annotated[
        list[str] | None, typer.Option(help="Khu vực khi tin không nêu nơi / zones when none is named.")
    ] = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Ngừng nhận / switch it off.")] = False,
) -> None:
    """Khai hoặc sửa một nguồn cảnh báo / add a source of alerts, or change it."""
    database, _ = open_station(home)
    vault = open_vault(load_settings(home=home).home.absolute())
    with database.session() as session:
        actor = _administrator(session, by)
        wanted = SourceSettings(
            code, name, sender,
            secret=sys.stdin.readline().strip() if secret else "",
            certificate=certificate.read_text() if certificate else "",
            public_key=public_key.read_text() if public_key else "",
            feed_url=feed, feed_seconds=feed_seconds, highest_priority=highest, speaks_exercises=exercises,
            enabled=not disabled, zones=zones_coded(session, zone or []),
        )  # fmt: skip
        configured = configure_source(session, vault, wanted, actor, now())
        print(f"{configured.code}\t{configured.name}\t{'bật / on' if configured.enabled else 'tắt / off'}")


@app.command()
def place(
    unit: Annotated[str, typer.Argument(help="Mã đơn vị / code of the unit.")],
    scheme: Annotated[str, typer.Argument(help="Bảng mã, ví dụ VN-DVHC / the scheme.")],
    value: Annotated[str, typer.Argument(help="Mã trong bảng đó / the code in it.")],
    by: By,
    home: Home = None,
) -> None:
    """Cho biết mã địa lý của một đơn vị / say which geocode of alerts means a unit."""
    database, _ = open_station(home)
    with database.session() as session:
        name_unit(session, unit_coded(session, unit), scheme, value, _administrator(session, by))


@app.command()
def receive(
    file: Annotated[Path, typer.Argument(help="Tệp CAP (XML).", exists=True, dir_okay=False)],
    home: Home = None,
    hmac: Annotated[str, typer.Option(help="Mã HMAC-SHA256 của tệp / its HMAC, hexadecimal.")] = "",
    ed25519: Annotated[str, typer.Option(help="Chữ ký Ed25519 của tệp / its signature, base64.")] = "",
) -> None:
    """Nhận một tệp cảnh báo / take an alert from a file; without another proof it must be signed inside."""
    database, _ = open_station(home)
    proof: Proof = EnvelopedSignature()
    if hmac:
        proof = SharedSecret(hmac, open_vault(load_settings(home=home).home.absolute()))
    elif ed25519:
        proof = DetachedSignature(ed25519)
    with database.session() as session:
        decision = receive_from_anyone(session, file.read_bytes(), proof, now())
        heard_at = len(decision.speakers)
        reason = _shown(decision.reason, load_settings(home=home).ui_language)
        print(f"{decision.kind}\t{decision.priority}\t{heard_at} cụm loa / speakers\t{reason}")
        refusal = decision.refusal
    if refusal is not None:
        raise refusal


@app.command("list")
def list_alerts(home: Home = None) -> None:
    """Các nguồn và những bản tin gần đây / the sources, and the newest alerts."""
    database, _ = open_station(home)
    language = load_settings(home=home).ui_language
    with database.session() as session:
        sources = session.scalars(sa.select(AlertSource).order_by(AlertSource.code)).all()
        if not sources:
            print("Chưa khai nguồn nào; dùng `haichieu alert source`. / No source is configured yet.")
            return
        table = Table()
        for column in ("nguồn / source", "tên / name", "bật / on", "lần hỏi tốt / last answer", "vấn đề / problem"):
            table.add_column(column)
        for one in sources:
            answered = f"{one.last_ok_at.astimezone():%Y-%m-%d %H:%M}" if one.last_ok_at else ""
            table.add_row(one.code, one.name, "✓" if one.enabled else "", answered, _shown(one.last_problem, language))
        Console().print(table)
        for alert in session.scalars(sa.select(CapAlert).order_by(CapAlert.id.desc()).limit(20)):
            reason = _shown(alert.reason, language)
            print(f"{alert.id}", f"{alert.sent:%Y-%m-%d %H:%M}", alert.identifier, alert.state, reason, sep="\t")


def _shown(message: Message | None, language: str) -> str:
    return "" if message is None else render(message, language)


def _administrator(session: Session, email: str) -> str:
    """The actor, who must be an administrator: whoever configures sources decides who can sound every siren."""
    account = account_of(session, email)
    require(session, account, Action.CONFIGURE, account.unit_id)
    return f"account:{account.email}"
