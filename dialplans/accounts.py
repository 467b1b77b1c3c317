"""SIP accounts as the objects that Asterisk's dynamic configuration takes. Pure data: nothing is sent from here.

No clear password ever reaches Asterisk for an account that registers with us: it is given HA1, the digest of
user, realm and password (RFC 2617 §3.2.2.2), so what Asterisk keeps on disk for the degraded mode is no password.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from haichieu.errors import HaiChieuError

REALM = "haichieu"
CODECS = ("alaw", "ulaw", "g722", "opus")
DEFAULT_CODECS = ("alaw", "ulaw")
FOR_EVER = "1000000"
"""Asterisk has no word for it; its default is to leave a carrier alone after ten failures."""

FINGERPRINT = "callerid_tag"
"""The field with the digest of all others, in an endpoint that has no `callerid` and takes callers' numbers from From.

Asterisk updates an object by writing it out and reading it back, and writes a missing `callerid` as "unknown": after an
update every caller would have that for a number. Such an endpoint is therefore never updated: it is created anew, and
left alone as long as the digest is the same. The field itself is never sent to anybody."""

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]{1,32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class BadAccountName(HaiChieuError):
    """The name cannot be a SIP user name here."""


@dataclass(frozen=True)
class DynamicObject:
    """One object of res_pjsip: its type, its id, its fields. Put in this order, taken away in the opposite one."""

    object_type: str
    id: str
    fields: Mapping[str, str]


def ha1(user: str, password: str) -> str:
    """Return HA1 for our realm. MD5 is what SIP loudspeakers speak; it protects nothing else here."""
    return hashlib.md5(f"{user}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


def speaker_account(name: str, secret: str, codecs: Sequence[str], qualify_seconds: int) -> tuple[DynamicObject, ...]:
    """A loudspeaker: registers with HA1 `secret`, is asked every `qualify_seconds` whether it lives, calls nobody."""
    fields = {"context": "from-speaker", "allow": _allow(codecs), "callerid": f"<{name}>"}
    return _registering(name, secret, qualify_seconds, fields)


def phone_account(name: str, secret: str, caller_number: str) -> tuple[DynamicObject, ...]:
    """A phone on the station's network; its calls carry `caller_number`, whatever its From header claims."""
    if not _NUMBER.fullmatch(caller_number):
        raise BadAccountName("asterisk.bad_caller_number", number=caller_number)
    fields = {
        "context": "from-phone",
        "allow": _allow(DEFAULT_CODECS),
        "callerid": f"<{caller_number}>",
        "trust_id_inbound": "no",
    }
    return _registering(name, secret, 60, fields)


def trunk_account(
    name: str, host: str, port: int, *, register: bool, username: str, password: str
) -> tuple[DynamicObject, ...]:
    """A carrier, known by its address; we register there when it wants that, and log in when it challenges us."""
    _check(name)
    # By its address alone: a carrier proves itself by nothing else, and anybody can write its name into From.
    endpoint = {**_MEDIA, "identify_by": "ip", "aors": name, "context": "from-trunk", "allow": _allow(DEFAULT_CODECS)}
    objects = []
    if username:
        # The carrier's realm is not ours to know, so this one password cannot be given as a digest.
        secret = {"auth_type": "userpass", "username": username, "password": password}
        objects.append(DynamicObject("auth", name, secret))
        endpoint |= {"outbound_auth": name, "from_user": username}
    objects += [
        DynamicObject("aor", name, {"contact": f"sip:{host}:{port}"}),
        DynamicObject("endpoint", name, {**endpoint, FINGERPRINT: _digest(endpoint)}),
        DynamicObject("identify", name, {"endpoint": name, "match": host}),
    ]
    if register:
        registration = {
            "server_uri": f"sip:{host}:{port}",
            "client_uri": f"sip:{username}@{host}:{port}",
            "retry_interval": "30",
            "forbidden_retry_interval": "300",
            "fatal_retry_interval": "300",
            "max_retries": FOR_EVER,
        }
        if username:
            registration["outbound_auth"] = name
        objects.append(DynamicObject("registration", name, registration))
    return tuple(objects)


_MEDIA = {
    "disallow": "all",
    "direct_media": "no",
    "rtp_symmetric": "yes",
    "force_rport": "yes",
    "rewrite_contact": "yes",
    "rtp_keepalive": "15",
    "dtmf_mode": "rfc4733",
    "send_pai": "no",
    "message_context": "no-text-is-a-call",
    "redirect_method": "uri_core",
}
"""All sound passes through us, and phones behind NAT are answered where they speak from. Texts go to the application:
in a context with extensions they would enter the dialplan as well, as a channel of their own. Nothing of ours obeys a
302; if something did, a device could name a SIP address, but no trunk and no Local channel."""


def _registering(
    name: str, secret: str, qualify_seconds: int, endpoint: Mapping[str, str]
) -> tuple[DynamicObject, ...]:
    _check(name)
    return (
        DynamicObject("auth", name, {"auth_type": "md5", "username": name, "realm": REALM, "md5_cred": secret}),
        DynamicObject(
            "aor",
            name,
            {
                "max_contacts": "1",
                "remove_existing": "yes",
                "qualify_frequency": str(qualify_seconds),
                "minimum_expiration": "30",
                "default_expiration": "300",
                "maximum_expiration": "600",
            },
        ),
        DynamicObject("endpoint", name, {**_MEDIA, "identify_by": "username", "auth": name, "aors": name, **endpoint}),
    )


def _digest(fields: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()


def _allow(codecs: Sequence[str]) -> str:
    return ",".join(codecs)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadAccountName("asterisk.bad_sip_name", name=name)
