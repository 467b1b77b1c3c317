"""Fields of the station's entries as the form shows them; what is typed is checked by `haichieu.district`."""

from collections.abc import Mapping, Sequence

from admin.entries.entry_fields import Control, Field
from admin.layout.pages import Form
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.source_system.dialects import DIALECTS
from haichieu.district.entries import Kind
from haichieu.district.station_kinds import (
    ALERT_SOURCE,
    ANSWER_TEMPLATE,
    AREA_SAMPLE,
    CATEGORY,
    DEPARTMENT,
    DEVICE_SAMPLE,
    PHONE,
    SOURCE,
    STATION,
    TRUNK,
)

CONFIDENTIAL = "new_password"
"""The field of every secret: its value is kept in no form, and `password` is the visitor's own."""


def _name(hint: str = "") -> Field:
    return Field("name", hint=hint, required=True)


def _code(name: str, hint: str, most: int = 40) -> Field:
    return Field(name, hint=hint, required=True, most=most, is_key=True)


def _number(name: str, hint: str = "", most: int = 5, *, required: bool = False) -> Field:
    return Field(name, hint=hint, required=required, most=most, inputmode="numeric")


def _tick(name: str, hint: str = "") -> Field:
    return Field(name, Control.TICK, hint=hint)


_NAT = Field(
    "behind_nat", Control.CHOICE, hint="behind_nat", choices=("yes", "no"), texts="speakers", empty="speakers.detect"
)

FORMS: Mapping[str, tuple[Kind, Sequence[Field]]] = {
    "station": (
        STATION,
        (
            _name(),
            Field("timezone", required=True, most=60),
            Field("languages", Control.LINES, "languages", required=True),
            Field("quiet_hours", hint="quiet_hours", most=11, sample="21:30-05:00"),
            Field("reply_hours", hint="reply_hours", required=True, most=11, sample="08:00-20:00"),
            Field("emergency_number", hint="emergency_number", most=12),
            Field(CONFIDENTIAL, Control.CONFIDENTIAL, "emergency_pin", most=12, label="emergency_pin"),
        ),
    ),
    "phones": (
        PHONE,
        (
            _code("id", "phone_id"), _name("phone_name"),
            Field("caller_number", hint="caller_number", required=True, most=20, sample="+84206…"),
            Field(CONFIDENTIAL, Control.CONFIDENTIAL, "phone_password", most=128),
            _tick("encrypted", "encrypted"), _NAT,
        ),
    ),
    "trunks": (
        TRUNK,
        (
            _code("id", "trunk_id"), Field("host", hint="host", required=True, most=253),
            Field("transport", Control.CHOICE, "transport", choices=("udp", "tcp", "tls")),
            _number("port", "port"), Field("username", most=80),
            Field(CONFIDENTIAL, Control.CONFIDENTIAL, "password", most=128), _tick("register", "register"),
            _tick("outbound", "outbound"), Field("caller_number", hint="trunk_number", most=32),
            _tick("withhold_number"), _tick("texts", "texts"), Field("hosts", Control.LINES, "hosts"),
            Field("proxy", hint="proxy", most=253), Field("domain", hint="domain", most=253),
            Field("prefix_rules", Control.LINES, "prefix_rules", sample="+84 = 0"),
            Field("ca_certificate", Control.TEXT, "ca_certificate", most=50_000),
        ),
    ),
    "departments": (
        DEPARTMENT, (_code("code", "department_code"), _name(), Field("email", hint="email", most=254)),
    ),
    "categories": (
        CATEGORY,
        (
            _code("code", "category_code", 1), _name(),
            Field("department", Control.CHOICE, rows="departments", required=True),
            _number("answer_within_days", "answer_within_days", 3, required=True),
            Field("keywords", Control.LINES, "keywords"),
        ),
    ),
    "answer-templates": (
        ANSWER_TEMPLATE,
        (
            _code("code", "template_code", 1), Field("name", required=True, most=60),
            Field("text", Control.TEXT, "template_text", required=True, most=500),
        ),
    ),
    "alert-sources": (
        ALERT_SOURCE,
        (
            _code("code", "alert_code"), _name(), _tick("enabled"),
            Field("senders", Control.LINES, "senders", required=True),
            Field("highest_priority", Control.CHOICE, "highest_priority", choices=tuple(map(str, reversed(Priority))),
                  texts="priority"),
            Field("zones", Control.BOXES, "alert_zones", rows="zones"), _tick("speaks_exercises", "speaks_exercises"),
            Field("feed_url", hint="feed_url", most=500), _number("feed_seconds"),
            _number("silent_minutes", "silent_minutes", 6),
            Field(CONFIDENTIAL, Control.CONFIDENTIAL, "alert_secret", label="alert_secret"),
            Field("certificate", Control.TEXT, "certificate", most=20_000),
            Field("public_key", Control.TEXT, "public_key", most=20_000),
        ),
    ),
    "sources": (
        SOURCE,
        (
            _code("code", "source_code"), _name(),
            Field("dialect", Control.CHOICE, "dialect", choices=tuple(DIALECTS), texts="station_dialect"),
            Field("address", hint="address", required=True, most=500), Field("username", required=True),
            Field(CONFIDENTIAL, Control.CONFIDENTIAL, "password"),
            Field("station", hint="station_id", required=True, most=120),
            Field("unit", Control.CHOICE, "source_unit", rows="units", required=True, empty="station.choose_unit"),
            Field("areas", Control.LINES, "areas", sample=AREA_SAMPLE),
            Field("speakers", Control.LINES, "source_speakers", sample=DEVICE_SAMPLE),
            Field("file_hosts", Control.LINES, "file_hosts"),
            _number("poll_seconds", "poll_seconds", 4),
        ),
    ),
}  # fmt: skip
"""The kinds of entries by their part of the path, in the order of the page."""
DEFAULTS: Mapping[str, Mapping[str, str]] = {
    "trunks": {"transport": "udp"},
    "alert-sources": {"enabled": "yes", "feed_seconds": "60", "silent_minutes": "60"},
    "sources": {"poll_seconds": "15"},
    "categories": {"answer_within_days": "7"},
}
"""What the form of a new entry begins with."""


def texts_from(kind: Kind, fields: Sequence[Field], form: Form) -> dict[str, list[str]]:
    """Return the typed values by the names of the district file; several values are one per line."""
    texts: dict[str, list[str]] = {}
    for field in fields:
        typed = list(form.values(field.name))
        if field.control is Control.LINES:
            typed = [line for value in typed for line in value.splitlines() if line.strip()]
        elif field.control is Control.TEXT and not field.name.endswith(("certificate", "key")):
            typed = [" ".join(value.split()) for value in typed]
        texts[kind.secret if field.name == CONFIDENTIAL else field.name] = typed
    return texts


def refused_at_secret(kind: Kind, form: Form) -> Form:
    """Return the form with a problem of the entry's secret at its field: `password` is the visitor's own."""
    if kind.secret in form.problems:
        form.problems[CONFIDENTIAL] = form.problems.pop(kind.secret)
    return form
