"""What one value of a district file may look like, as pydantic types whose refusals say what to write instead."""

import re
import zoneinfo
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from dialplans.accounts import CODECS
from haichieu.phone_numbers import normalise


def _of_form(pattern: str, said: str) -> Callable[[str], str]:
    form = re.compile(pattern)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise ValueError(said)
        return value

    return check


def printable(value: str) -> str:
    """Refuse control characters: Asterisk's configuration and PostgreSQL choke on them. Raises ValueError."""
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        raise ValueError("có ký tự điều khiển / contains a control character (a line break, a tab …)")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("không được để trống / must not be empty")
    return value


def _phone_number(value: str) -> str:
    # The library would drop or translate letters: an O typed for a 0 would become somebody else's number.
    number = normalise(value) if re.fullmatch(r"[+0-9 ().-]+", value) else None
    if not number or not re.fullmatch(r"\+[1-9][0-9]{6,14}", number):
        raise ValueError(
            "không phải số điện thoại, ví dụ +84912000001 / is not a telephone number, for example +84912000001"
        )
    return number


def _multicast(value: str) -> str:
    host, _, port = value.rpartition(":")
    try:
        good = IPv4Address(host).is_multicast and re.fullmatch(r"[1-9][0-9]{3,4}", port) and 1024 <= int(port) <= 65535
    except ValueError:
        good = False
    if not good:
        raise ValueError(
            "phải là nhóm multicast IPv4 và cổng, ví dụ 239.10.20.30:5004 / "
            "must be an IPv4 multicast group (224.0.0.0/4) and a port, for example 239.10.20.30:5004"
        )
    return value


def _time_zone(value: str) -> str:
    if value not in zoneinfo.available_timezones():
        raise ValueError("múi giờ không có / is no known time zone, for example Asia/Ho_Chi_Minh")
    return value


def _hours(value: str) -> str:
    hour = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]"
    if not re.fullmatch(f"{hour}-{hour}", value):
        raise ValueError('phải có dạng "21:30-05:00" / must look like "21:30-05:00"')
    return value


def _quiet_hours(value: str) -> str:
    if _hours(value)[:5] == value[6:]:
        raise ValueError('phải có dạng "21:30-05:00" / must look like "21:30-05:00", with two different moments')
    return value


_SIP_NAME = _of_form(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}",
    "chỉ dùng chữ không dấu, số, chấm, gạch, tối đa 40 ký tự / only letters, digits, dot, hyphen, at most 40",
)
_DIALLED = _of_form(r"\+?[0-9*#]{1,31}", "chỉ gồm chữ số / must be digits, as they are dialled")
_LANGUAGE = _of_form(r"[a-z]{2,3}", "phải là mã ISO 639 / must be an ISO 639 code such as vi, tyz, hmn")
_EMAIL = _of_form(r"[^@\s]+@[^@\s]+\.[^@\s]+", "không phải địa chỉ thư / is not an e-mail address")
_DIGITS = _of_form(r"[0-9]{1,12}", "phải là 1 đến 12 chữ số / must be 1 to 12 digits")
_PIN = _of_form(r"[0-9]{4,12}", "phải là 4 đến 12 chữ số / must be 4 to 12 digits")
_KEY = _of_form(r"[1-9]", "phải là một phím từ 1 đến 9 / must be one key from 1 to 9")
_HOST = _of_form(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?",
    "phải là tên máy hoặc địa chỉ IPv4 / must be a host name or an IPv4 address",
)
_USER_NAME = _of_form(r"[A-Za-z0-9+._-]{0,80}", "chỉ dùng chữ không dấu, số, + . _ - / only letters, digits, + . _ -")
_PREFIX = _of_form(r"\+?[0-9*#]{0,15}", "phải là đầu số, ví dụ +84 / must be a prefix of digits, for example +84")

Name = Annotated[str, AfterValidator(_not_blank), Field(max_length=200)]
Code = Annotated[str, AfterValidator(_not_blank), Field(max_length=40)]
SipName = Annotated[str, AfterValidator(_SIP_NAME)]
PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
Dialled = Annotated[str, AfterValidator(_DIALLED)]
Language = Annotated[str, AfterValidator(_LANGUAGE)]
Email = Annotated[str, AfterValidator(_EMAIL), AfterValidator(str.lower), Field(max_length=254)]
Digits = Annotated[str, AfterValidator(_DIGITS)]
Pin = Annotated[str, AfterValidator(_PIN)]
Key = Annotated[str, AfterValidator(_KEY)]
Host = Annotated[str, AfterValidator(_HOST)]
UserName = Annotated[str, AfterValidator(_USER_NAME)]
Prefix = Annotated[str, AfterValidator(_PREFIX)]
Multicast = Annotated[str, AfterValidator(_multicast)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
QuietHours = Annotated[str, AfterValidator(_quiet_hours)]
ReplyHours = Annotated[str, AfterValidator(_hours)]
Secret = Annotated[str, Field(min_length=8, max_length=128)]
Codec = Literal[CODECS]  # type: ignore[valid-type]
