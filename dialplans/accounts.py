"""SIP accounts as objects of Asterisk's dynamic configuration. Pure data: nothing is sent from here.

Accounts that register with us never give Asterisk a clear-text password: it gets HA1, the digest of user, realm and
password (RFC 2617 §3.2.2.2), so the file on disk for the degraded mode contains no password.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dialplans.registration import DIRECT, Registration
from haichieu.errors import HaiChieuError

REALM = "haichieu"
CODECS = ("alaw", "ulaw", "g722", "opus")
DEFAULT_CODECS = ("alaw", "ulaw")
FOR_EVER = "1000000"
"""Asterisk has no value for "unlimited"; by default it gives up on a carrier after ten failures."""

CLEAR_DOMAIN = "unencrypted.invalid"
"""Domain of what arrives over UDP or TCP. Asterisk looks for the endpoint USER@DOMAIN first, and only then for USER."""

FAN_OUT = "_fan_out"
PROXY = "_proxy"
FAN_OUT_CODECS = ("alaw", "ulaw", "g722")

FINGERPRINT = "callerid_tag"
"""The field with the digest of all others, in an endpoint that Asterisk must not update.

Asterisk updates an object by writing it out and reading it back. It writes a missing `callerid` as "unknown", so that
every caller of a trunk would have that number, and missing codecs as a value that it cannot read. Such an endpoint is
created again when the digest differs. The field itself is never sent."""

_NUMBER = re.compile(r"[+*#0-9A-Za-z._-]{1,32}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class BadAccountName(HaiChieuError):
    """The name is not a valid SIP user name."""


@dataclass(frozen=True)
class DynamicObject:
    """One object of res_pjsip: its type, its id, its fields. Created in this order, deleted in the opposite one."""

    object_type: str
    id: str
    fields: Mapping[str, str]


def ha1(user: str, password: str) -> str:
    """Return HA1 for our realm. SIP loudspeakers require MD5; it is used for nothing else."""
    return hashlib.md5(f"{user}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()


def speaker_account(
    name: str,
    secret: str,
    codecs: Sequence[str],
    qualify_seconds: int,
    *,
    encrypted: bool = False,
    behind_nat: bool = False,
    direct_media: bool = False,
    registration: Registration = DIRECT,
) -> tuple[DynamicObject, ...]:
    """Return a loudspeaker: registers with HA1 `secret`, is qualified every `qualify_seconds`, cannot call.

    An `encrypted` account uses TLS and SRTP (SDES) only. Sound goes to the port that the device announces (RFC 3264
    §5.1); if it is `behind_nat`, to where its own sound comes from. With `direct_media` the fan-out may send it.
    """
    fields = {
        "context": "from-speaker",
        "allow": _allow(codecs),
        "callerid": f"<{name}>",
        "rtp_symmetric": _yes(behind_nat),
        "direct_media": _yes(direct_media),
    }
    if direct_media:
        fields["rtp_keepalive"] = "0"  # a second stream, beside that of the fan-out
    return _registering(name, secret, qualify_seconds, fields, registration, encrypted=encrypted)


def fan_out_account() -> tuple[DynamicObject, ...]:
    """Return the endpoints through which Asterisk calls the fan-out, one for each codec; nobody can call from them."""
    objects = []
    for codec in FAN_OUT_CODECS:
        fields = {
            **_MEDIA,
            "direct_media": "yes",
            "rtp_symmetric": "no",
            "rtp_keepalive": "0",
            "timers": "no",
            "identify_by": "ip",
            "context": "from-speaker",
            "transport": "udp",
            "media_encryption": "no",
            "allow": codec,
        }
        objects.append(DynamicObject("endpoint", fan_out_endpoint(codec), {**fields, FINGERPRINT: _digest(fields)}))
    return tuple(objects)


def fan_out_endpoint(codec: str) -> str:
    """Return the name of the endpoint for a codec; no account of a device begins with an underscore."""
    return f"{FAN_OUT}_{codec}"


def node_account(name: str, ours: str, address: str, password: str) -> tuple[DynamicObject, ...]:
    """Return another node of a province, at `address` (HOST:PORT): it calls us, and we it, to pass on a live voice.

    Both sides prove that they know the `password`; `ours` is the name of this node.
    """
    account, us = node_endpoint(name), node_endpoint(ours)
    fields = {
        **_MEDIA,
        "identify_by": "username",
        "auth": account,
        "aors": account,
        "outbound_auth": f"{account}-out",
        "from_user": us,
        "context": "from-node",
        "transport": "udp",
        "media_encryption": "no",
        "rtp_symmetric": "no",
        "allow": "alaw",
    }
    return (
        DynamicObject(
            "auth",
            account,
            {"auth_type": "md5", "username": account, "realm": REALM, "md5_cred": ha1(account, password)},
        ),
        DynamicObject(
            "auth", f"{account}-out", {"auth_type": "userpass", "username": us, "password": password, "realm": REALM}
        ),
        DynamicObject("aor", account, {"contact": f"sip:{address}", "qualify_frequency": "0"}),
        DynamicObject("endpoint", account, {**fields, FINGERPRINT: _digest(fields)}),
    )


def node_endpoint(name: str) -> str:
    """Return the name of a node's endpoint; no account of a device begins with an underscore."""
    return f"_node_{name}"


def proxy_account() -> tuple[DynamicObject, ...]:
    """Return the endpoint that answers the OPTIONS of a SIP proxy in front of the nodes, and can do nothing else."""
    fields = {**_MEDIA, "identify_by": "username", "context": "from-speaker"}
    return (DynamicObject("endpoint", PROXY, {**fields, FINGERPRINT: _digest(fields)}),)


def phone_account(
    name: str,
    secret: str,
    caller_number: str,
    *,
    encrypted: bool = False,
    behind_nat: bool = False,
    qualified: bool = True,
    registration: Registration = DIRECT,
) -> tuple[DynamicObject, ...]:
    """Return a phone on the station's network; its calls have `caller_number`, whatever its From header claims.

    `encrypted` and `behind_nat` as for a speaker. It is asked every minute if it is still there, if `qualified`.
    """
    if not _NUMBER.fullmatch(caller_number):
        raise BadAccountName("asterisk.bad_caller_number", number=caller_number)
    fields = {
        "context": "from-phone",
        "message_context": "texts-from-phone",
        "allow": _allow(DEFAULT_CODECS),
        "callerid": f"<{caller_number}>",
        "trust_id_inbound": "no",
        "rtp_symmetric": _yes(behind_nat),
    }
    return _registering(name, secret, 60 if qualified else 0, fields, registration, encrypted=encrypted)


def trunk_account(
    name: str,
    host: str,
    port: int,
    *,
    register: bool,
    username: str,
    password: str,
    texts: bool = False,
    hosts: Sequence[str] = (),
    transport: str = "udp",
    proxy: str = "",
    domain: str = "",
    caller_number: str = "",
    withhold_number: bool = False,
    found: Mapping[str, Sequence[str]] | None = None,
) -> tuple[DynamicObject, ...]:
    """Return a carrier identified by its addresses; registers if `register`, and authenticates when challenged.

    `port` 0 is the standard one of the transport. `hosts` are its further addresses, with a port or without,
    and networks that calls come from. `domain` is the one in our From; `caller_number` our number there. `found` are
    the addresses of its names, see `carrier_names`; Asterisk looks up others itself, once.
    """
    _check(name)
    uris = [trunk_uri(one, transport=transport) for one in trunk_hosts(host, port, hosts)]
    endpoint = {
        **_TRUNK,
        **_TRUNK_MEDIA[transport],
        "aors": name,
        "from_domain": domain or host,
        # What the dialplan must know to tell the number that was dialled.
        "set_var": f"TRUNK={username if register else ''}/{caller_number}",
    }
    if texts:
        endpoint["message_context"] = "texts-from-trunk"
    if proxy:
        endpoint["outbound_proxy"] = trunk_uri(proxy, transport=transport, loose=True)
    if not withhold_number and (caller_number or username):
        endpoint["from_user"] = caller_number or username
    objects = []
    if username:
        # The carrier's realm is unknown, so this password cannot be given as a digest.
        secret = {"auth_type": "userpass", "username": username, "password": password}
        objects.append(DynamicObject("auth", name, secret))
        endpoint["outbound_auth"] = name
    senders = dict.fromkeys(
        _without_port(address)
        for name in (*trunk_names(host, port, hosts, proxy), *(one for one in hosts if "/" in one))
        for address in (found or {}).get(name) or (name,)
    )
    objects += [
        # OPTIONS tell a carrier that refuses our registration from one that is not there.
        DynamicObject("aor", name, {"contact": ",".join(uris), "qualify_frequency": "60" if register else "0"}),
        DynamicObject("endpoint", name, {**endpoint, FINGERPRINT: _digest(endpoint)}),
        DynamicObject("identify", name, {"endpoint": name, "match": ",".join(senders)}),
    ]
    if register:
        client_uri = registered_as(username, host, port, domain)
        objects.append(_registration(name, uris[0], client_uri, username, endpoint))
    return tuple(objects)


def _registration(
    name: str, server_uri: str, client_uri: str, username: str, endpoint: Mapping[str, str]
) -> DynamicObject:
    fields = {
        "server_uri": server_uri,
        "client_uri": client_uri,
        # Carriers call the contact that we register: "s", the default, is no name that they know.
        "contact_user": username,
        "transport": endpoint["transport"],
        "outbound_proxy": endpoint.get("outbound_proxy", ""),
        "retry_interval": "30",
        "forbidden_retry_interval": "300",
        "fatal_retry_interval": "300",
        "max_retries": FOR_EVER,
    }
    if username:
        fields["outbound_auth"] = name
    return DynamicObject("registration", name, fields)


_TRUNK_MEDIA = {
    "udp": {"media_encryption": "no", "transport": "udp"},
    "tcp": {"media_encryption": "no", "transport": "tcp"},
    "tls": {"media_encryption": "sdes", "media_encryption_optimistic": "yes", "transport": "tls"},
}
"""Over TLS, SRTP is offered, and plain RTP is accepted from a carrier that has none."""


def registered_as(username: str, host: str, port: int, domain: str) -> str:
    """Return the URI that we register at a carrier."""
    return f"sip:{username}@{domain or with_port(host, port)}"


def trunk_hosts(host: str, port: int, others: Sequence[str]) -> list[str]:
    """Return the addresses that a carrier takes calls at, the first first, each with its port if it has one."""
    return [with_port(host, port), *(one for one in others if "/" not in one)]


def trunk_names(host: str, port: int, others: Sequence[str], proxy: str) -> list[str]:
    """Return the names and addresses of a carrier, each with its port if it has one: where calls come from."""
    return [*trunk_hosts(host, port, others), *([proxy] if proxy else [])]


def with_port(host: str, port: int) -> str:
    """Return HOST or HOST:PORT; `port` 0 is none."""
    return f"{host}:{port}" if port else host


def trunk_uri(host: str, user: str = "", *, transport: str, loose: bool = False) -> str:
    """Return the SIP URI of a carrier's address."""
    at = f"{user}@{host}" if user else host
    return f"sip:{at}" + ("" if transport == "udp" else f";transport={transport}") + (";lr" if loose else "")


def _without_port(host: str) -> str:
    return host if "/" in host else host.partition(":")[0]


_MEDIA = {
    "disallow": "all",
    "direct_media": "no",
    "rtp_symmetric": "yes",
    "force_rport": "yes",
    "rewrite_contact": "yes",
    "rtp_keepalive": "15",
    "dtmf_mode": "auto",
    "send_pai": "no",
    "message_context": "texts-refused",
    "redirect_method": "uri_core",
    "allow_transfer": "no",
    "allow_subscribe": "no",
    "outgoing_call_offer_pref": "local",
}
"""All media passes through Asterisk. SIP is answered at its source address, also of devices behind NAT. Keys are
taken as RFC 4733 and SIP INFO, and out of the sound where the other side offers no RFC 4733. Codecs are offered in
the order of `allow`: by default Asterisk takes the order of the calling channel. Only phones, and trunks that take
texts, have a context that stores texts. We never follow a 302; even if we did, a device could name a SIP address, but
no trunk and no Local channel. No account may transfer a call (REFER, Replaces) or watch others (SUBSCRIBE)."""


_TRUNK = {
    **_MEDIA,
    # By address only: a carrier has no other proof, and anyone can write its name into From.
    "identify_by": "ip",
    "context": "from-trunk",
    "allow": ",".join(DEFAULT_CODECS),
    # A carrier vouches for the caller (RFC 3325), and hears from us whose number is to be hidden.
    "trust_id_inbound": "yes",
    "trust_id_outbound": "yes",
    "send_pai": "yes",
}


_ENCRYPTED = {"media_encryption": "sdes", "transport": "tls"}
"""Nothing leaves for such an account but over TLS, with SRTP (RFC 4568)."""


def _unencrypted_endpoint(name: str) -> DynamicObject:
    """Return the endpoint that takes everything that arrives unencrypted in the name of an encrypted account.

    It has no AOR, so REGISTER is refused, no codec and a context in which calls end. It has no password either: a
    device with a wrong setting is not asked for the digest of its password.
    """
    fields = {**_MEDIA, "identify_by": "username", "context": "from-speaker"}
    return DynamicObject("endpoint", f"{name}@{CLEAR_DOMAIN}", {**fields, FINGERPRINT: _digest(fields)})


def _registering(
    name: str,
    secret: str,
    qualify_seconds: int,
    endpoint: Mapping[str, str],
    registration: Registration,
    *,
    encrypted: bool,
) -> tuple[DynamicObject, ...]:
    _check(name)
    encryption = _ENCRYPTED if encrypted else {"media_encryption": "no", "transport": ""}
    contact = {"rewrite_contact": _yes(not registration.through_proxy)}
    return (
        *((_unencrypted_endpoint(name),) if encrypted else ()),
        DynamicObject("auth", name, {"auth_type": "md5", "username": name, "realm": REALM, "md5_cred": secret}),
        DynamicObject(
            "aor",
            name,
            {
                "max_contacts": "1",
                "remove_existing": "yes",
                "qualify_frequency": str(qualify_seconds),
                **registration.fields,
            },
        ),
        DynamicObject(
            "endpoint",
            name,
            {**_MEDIA, "identify_by": "username", "auth": name, "aors": name, **endpoint, **encryption, **contact},
        ),
    )


def _digest(fields: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(fields.items())).encode()).hexdigest()


def _allow(codecs: Sequence[str]) -> str:
    return ",".join(codecs)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise BadAccountName("asterisk.bad_sip_name", name=name)
