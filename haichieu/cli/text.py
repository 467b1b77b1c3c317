"""`haichieu text`: proves that texts can be sent, and says what must be entered at the provider."""

import secrets
import time
from typing import Annotated

import typer
from rich.console import Console

from dialplans.numbering import text_address
from feedback.texts import receipts
from feedback.texts.twilio_line import STATUS_PATH, TwilioLine, twilio_account
from haichieu.cli.in_home import Home, open_station
from haichieu.errors import UsageError
from haichieu.phone_numbers import normalise
from haichieu.settings import load_settings

app = typer.Typer(name="text", help="Tin nhắn / text messages.", no_args_is_help=True)

INBOUND_PATH = STATUS_PATH.replace("status", "sms")
SETTLED = ("delivered", "undelivered", "failed", "sent")


@app.command("test")
def trial(
    number: Annotated[str, typer.Argument(help="Số nhận tin / the number to text.")],
    home: Home = None,
    wait: Annotated[float, typer.Option(help="Chờ kết quả, giây / wait for the outcome, seconds.")] = 20.0,
) -> None:
    """Gửi một tin nhắn thử / send one trial text through Twilio and report. It belongs to no case."""
    settings = load_settings(home=home)
    to = normalise(number)
    if to is None or not to.removeprefix("+").isdecimal():
        raise UsageError(f"{number!r} không phải số điện thoại. / {number!r} is no telephone number.")
    database, _ = open_station(home)
    with database.session() as session:
        by_sip = text_address(session, to) is not None
    database.close()
    account = twilio_account(settings)
    if by_sip or account is None:
        raise UsageError(
            "Số này được nhắn qua SIP: hãy nhắn từ máy ấy vào số của đài. / Texts to this number go by SIP: text a "
            "number of the station from that phone, and its answer is the proof."
            if by_sip
            else "Chưa khai báo Twilio. / Twilio is not set up: see docs/texts.md."
        )
    line = TwilioLine(account)
    # Told apart from earlier trials by four letters, as Twilio's carriers drop what repeats itself.
    sent = line.send(to, f"{receipts.said('trial', settings.ui_language)} {secrets.token_hex(2)}", reply_id=0)
    status, deadline = line.status(sent.provider_id or ""), time.monotonic() + wait
    while status not in SETTLED and time.monotonic() < deadline:
        time.sleep(1.0)
        status = line.status(sent.provider_id or "")
    console = Console()
    console.print(f"{sent.provider_id}: {status}, {sent.segments} segment(s)")
    if settings.public_url:
        console.print(f"A message comes in: POST {settings.public_url.rstrip('/')}{INBOUND_PATH}")
    else:
        console.print("Chưa có HAICHIEU_PUBLIC_URL: không nhận được tin. / Without it no text can come in.")
    if status in ("undelivered", "failed"):
        raise typer.Exit(1)
