"""`haichieu web`: the web process alone."""

import threading
from functools import partial

from admin.serve import serve
from admin.web import create_app
from haichieu.database import Database, migrate
from haichieu.heartbeats import BEAT_SECONDS, beat
from haichieu.logs import configure_logs
from haichieu.processes import READY
from haichieu.settings import Settings


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM."""
    configure_logs(settings.log_level, "web")
    migrate(settings.resolved_database_url)
    database = Database(settings.resolved_database_url)
    serve(create_app(database, settings), settings.bind, settings.web_port, partial(_started, database))


def _started(database: Database) -> None:
    threading.Thread(target=_beat_for_ever, args=(database,), daemon=True, name="heartbeat").start()
    print(READY, flush=True)


def _beat_for_ever(database: Database) -> None:
    while True:
        with database.session() as session:
            beat(session, "web")
        threading.Event().wait(BEAT_SECONDS)
