"""Formats of district file values, as pydantic types whose errors say what to write instead."""

import re
import zoneinfo
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dialplans.accounts import CODECS
from dialplans.auto_answer import MAKES
from haichieu.district.cells import phone_signs
from haichieu.errors import InvalidValue
from haichieu.phone_numbers import is_out_of_service, normalise


def _of_form(pattern: str, key: str) -> Callable[[str], str]:
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise InvalidValue(key)
        return value

    return check


def printable(value: str) -> str:
    """Refuse control characters, which break Asterisk's configuration and PostgreSQL. Raises InvalidValue."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise InvalidValue("district.value.control_character")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise InvalidValue("district.value.empty")
    return value


def _phone_number(value: str) -> str:
    # The library drops or maps letters: an O typed for a 0 would give another person's number.
    typed = phone_signs(value)
    number = normalise(typed) if re.fullmatch(r"[+0-9 ().-]+", typed) else None
    if not number or not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise InvalidValue("district.value.phone_number")
    if is_out_of_service(number):
        raise InvalidValue("district.value.phone_out_of_service")
    return number


def _multicast(value: str) -> str:
    host, _, port = value.rpartition(":")
    try:
        good = IPv4Address(host).is_multicast and re.fullmatch(r"[1-9][0-9]{3,4}", port) and 1024 <= int(port) <= 65535
    except ValueError:
        good = False
    if not good:
        raise InvalidValue("district.value.multicast")
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise InvalidValue("district.value.time_zone")
    return value


def _hours(value: str) -> str:
    hour = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
    if not re.fullmatch(f"{hour}-{hour}", value):
        raise InvalidValue("district.value.hours")
    return value


def _quiet_hours(value: str) -> str:
    if _hours(value)[:5] == value[6:]:
        raise InvalidValue("district.value.quiet_hours")
    return value


_SIP_NAME = _of_form(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}",
    "district.value.sip_name",
)
_DIALLED_FORM = _of_form(r"\+?[0-9*#]{1,31}", "district.value.dialled")


def _dialled(value: str) -> str:
    """Return a number to dial without the spaces and dots between its groups."""
    return _DIALLED_FORM(re.sub(r"(?<=[0-9])[ .-](?=[0-9])", "", phone_signs(value)))


_LANGUAGE = _of_form(r"[a-z]{2,3}", "district.value.language")
_EMAIL = _of_form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "district.value.email")
_DIGITS = _of_form(r"[0-9]{1,12}", "district.value.digits")
_PIN = _of_form(r"[0-9]{4,12}", "district.value.pin")
_KEY = _of_form(r"[1-9]", "district.value.key")
_HOST = _of_form(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?",
    "district.value.host",
)
WIDEST_NETWORK = 20
"""Prefix of the largest network that may be a carrier's: every caller from there is believed."""
_HOST_AND_PORT = _of_form(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,240}[A-Za-z0-9])?(?::[1-9][0-9]{0,4})?",
    "district.value.host_and_port",
)


def _host_or_network(value: str) -> str:
    if "/" not in value:
        return _HOST_AND_PORT(value)
    try:
        network = IPv4Network(value)
    except ValueError:
        raise InvalidValue("district.value.network") from None
    if network.prefixlen < WIDEST_NETWORK:
        raise InvalidValue("district.value.network")
    return value


_USER_NAME = _of_form(r"[A-Za-z0-9+._-]{0,80}", "district.value.user_name")
_PREFIX = _of_form(r"\+?[0-9*#]{0,15}", "district.value.prefix")


def _certificates(value: str) -> str:
    from cryptography import x509  # slow to import, and rarely needed here

    try:
        if value.strip():
            x509.load_pem_x509_certificates(value.encode())
    except ValueError:
        raise InvalidValue("district.value.certificates") from None
    return value.strip()


Name = Annotated[str, AfterValidator(_not_blank), Field(max_length=200)]
Certificates = Annotated[str, AfterValidator(_certificates), Field(max_length=50_000)]
Code = Annotated[str, AfterValidator(_not_blank), Field(max_length=40)]
SipName = Annotated[str, AfterValidator(_SIP_NAME)]
PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
Dialled = Annotated[str, AfterValidator(_dialled)]
Language = Annotated[str, AfterValidator(_LANGUAGE)]
Email = Annotated[str, AfterValidator(_EMAIL), AfterValidator(str.lower), Field(max_length=254)]
Digits = Annotated[str, AfterValidator(_DIGITS)]
Pin = Annotated[str, AfterValidator(_PIN)]
Key = Annotated[str, AfterValidator(_KEY)]
Host = Annotated[str, AfterValidator(_HOST)]
HostAndPort = Annotated[str, AfterValidator(_HOST_AND_PORT)]
HostOrNetwork = Annotated[str, AfterValidator(_host_or_network)]
ExternalId = Annotated[str, AfterValidator(_not_blank), AfterValidator(printable), Field(max_length=120)]
UserName = Annotated[str, AfterValidator(_USER_NAME)]
Prefix = Annotated[str, AfterValidator(_PREFIX)]
Multicast = Annotated[str, AfterValidator(_multicast)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
QuietHours = Annotated[str, AfterValidator(_quiet_hours)]
ReplyHours = Annotated[str, AfterValidator(_hours)]
Secret = Annotated[str, Field(min_length=8, max_length=128)]
Codec = Literal[CODECS]  # type: ignore[valid-type]
Make = Literal[MAKES]  # type: ignore[valid-type]
