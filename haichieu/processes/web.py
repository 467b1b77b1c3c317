"""`haichieu web`: the web process alone."""

import sys
import threading
from functools import partial

import sqlalchemy as sa
import structlog
from flask import Blueprint

from admin.http.serving import serve
from admin.notices.sending import send_notices
from admin.set_up.first_link import first_link, is_empty
from admin.web import create_app
from admin.webhooks.twilio import TwilioSecrets, twilio_webhooks
from haichieu.database import Database
from haichieu.errors import shown
from haichieu.heartbeats import BEAT_SECONDS, beat
from haichieu.locale import message, render
from haichieu.logs import configure_logs
from haichieu.process_control import READY, open_many_files
from haichieu.process_pulse import Pulse, beat_from_thread
from haichieu.processes.hung_process import report_hang
from haichieu.processes.opened_station import OpenedStation, open_station
from haichieu.processes.texts import text_inbox
from haichieu.settings import Settings
from ivr.calls.routing import unit_of_text

log = structlog.get_logger()


def run_web(settings: Settings, pulse: Pulse) -> None:
    """Serve until SIGTERM."""
    configure_logs(settings.log_level, "web")
    open_many_files()
    station = open_station(settings)
    report_hang(station.database, "web", pulse)
    _print_first_link(station)
    app = create_app(station.database, settings, [webhooks_of_texts(station)])
    ready = partial(_started, station, pulse)
    serve(app, settings.bind, settings.web_port, ready, behind_proxy=settings.web_proxies > 0)


def _print_first_link(station: OpenedStation) -> None:
    """Print how the first administrator of an empty station signs in."""
    with station.database.reading() as session:
        empty = is_empty(session)
    if empty:
        link = first_link(station.settings)
        words = render(message("cli.web.first_link", link=link), station.settings.ui_language)
        print(words, file=sys.stderr, flush=True)


def webhooks_of_texts(station: OpenedStation) -> Blueprint:
    """Return Twilio's webhooks. They receive texts to our own number, whether or not the district file lists it."""
    settings = station.settings
    inbox = text_inbox(station, unit_of_text)
    secrets = TwilioSecrets(settings.twilio_account_sid, settings.twilio_auth_token, settings.public_url)
    return twilio_webhooks(station.database, inbox, secrets)


def _started(station: OpenedStation, pulse: Pulse) -> None:
    beat_from_thread(pulse)
    beats = (station.database, station.settings.node)
    threading.Thread(target=_beat_for_ever, args=beats, daemon=True, name="heartbeat").start()
    notices = (station.database, station.home, station.settings.public_url)
    threading.Thread(target=send_notices, args=notices, daemon=True, name="notices").start()
    print(READY, flush=True)


def _beat_for_ever(database: Database, node: str) -> None:
    while True:
        try:
            with database.session() as session:
                beat(session, "web", node)
        except sa.exc.DBAPIError as problem:  # the database comes back, and the beats with it
            log.warning("database.away", problem=shown(problem))
        threading.Event().wait(BEAT_SECONDS)
