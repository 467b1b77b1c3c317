"""`haichieu text`: send a trial text, and print the webhook address to enter at the provider."""

import secrets
import time
from typing import Annotated

import typer

from dialplans.numbering import text_address
from feedback.texts import receipts
from feedback.texts.twilio_line import STATUS_PATH, TwilioLine, twilio_account
from haichieu.cli.options import Home
from haichieu.command_language import say, terminal
from haichieu.errors import UsageError
from haichieu.phone_numbers import normalise
from haichieu.processes.opened_station import open_station
from haichieu.settings import load_settings

app = typer.Typer(name="text", help=say("cli.text.help"), no_args_is_help=True)

INBOUND_PATH = STATUS_PATH.replace("status", "sms")
SETTLED = ("delivered", "undelivered", "failed", "sent")


@app.command("test", help=say("cli.text.test"))
def trial(
    number: Annotated[str, typer.Argument(help=say("cli.text.number"))],
    home: Home = None,
    wait: Annotated[float, typer.Option(help=say("cli.text.wait"))] = 20.0,
) -> None:
    settings = load_settings(home=home)
    to = normalise(number)
    if to is None or not to.removeprefix("+").isdecimal():
        raise UsageError("cli.text.not_a_number", number=number)
    database = open_station(settings).database
    with database.reading() as session:
        by_sip = text_address(session, to) is not None
    database.close()
    account = twilio_account(settings)
    if by_sip:
        raise UsageError("cli.text.by_sip")
    if account is None:
        raise UsageError("cli.text.no_twilio")
    line = TwilioLine(account)
    # Four random letters, because carriers drop a text that repeats an earlier one.
    sent = line.send(to, f"{receipts.said('trial', settings.ui_language)} {secrets.token_hex(2)}", reply_id=0)
    status, deadline = line.status(sent.provider_id or ""), time.monotonic() + wait
    while status not in SETTLED and time.monotonic() < deadline:
        time.sleep(1.0)
        status = line.status(sent.provider_id or "")
    console = terminal()
    console.print(say("cli.text.sent", id=sent.provider_id or "", status=status, count=sent.segments or 1))
    if settings.public_url:
        console.print(say("cli.text.webhook", url=f"{settings.public_url.rstrip('/')}{INBOUND_PATH}"))
    else:
        console.print(say("cli.text.no_public_url"))
    if status in ("undelivered", "failed"):
        raise typer.Exit(1)
