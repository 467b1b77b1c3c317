"""Imports every module that defines tables, as the command line does by composing the rooms."""

import importlib

MODULES_WITH_TABLES = (
    *(
        "haichieu.people",
        "haichieu.units.models",
        "haichieu.station",
        "haichieu.outgoing",
        "haichieu.audit",
        "haichieu.alarms",
        "haichieu.sign_in_counters",
    ),
    "haichieu.speech.pronunciations",
    *(
        "haichieu.media",
        "haichieu.heartbeats",
        "haichieu.nodes",
        "haichieu.sip.models",
        "broadcast_bridge.models",
        "feedback.models",
    ),
    "feedback.citizens.models",
    *("broadcast_bridge.alerts.models", "broadcast_bridge.programmes.models", "broadcast_bridge.schedule.models"),
    *(
        "broadcast_bridge.source_system.models",
        "broadcast_bridge.repairs.models",
        "broadcast_bridge.duties.models",
        "broadcast_bridge.station_book.models",
        "broadcast_bridge.broadcasts.broadcast_drafts",
        "broadcast_bridge.programmes.survey",
        "broadcast_bridge.speakers.direct_calls",
        "haichieu.jobs",
        "ivr.calls.routing",
        "ivr.prompts.custom",
        "ivr.prompts.calls",
        "ivr.calls.trial_calls",
        "admin.access.models",
        "admin.notices.models",
    ),
    "ivr.custom_flows.models",
)


def load_every_table() -> None:
    """Make SQLAlchemy know every table of every room."""
    for name in MODULES_WITH_TABLES:
        importlib.import_module(name)
