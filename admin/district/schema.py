"""The shape of a district file, one model a table. What one entry can say wrong by itself is found here.

`docs/district-file.md` describes every key; a test compares it with these models.
"""

import re
import zoneinfo
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from dialplans.accounts import CODECS
from haichieu.people import Level, Right, Role
from haichieu.phone_numbers import normalise

_QUIET = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


def _sip_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", value):
        raise ValueError(
            "chỉ dùng chữ không dấu, số, chấm, gạch, tối đa 40 ký tự / only letters, digits, dot, hyphen, at most 40"
        )
    return value


def _phone_number(value: str) -> str:
    number = normalise(value)
    if not number or not re.fullmatch(r"\+[1-9]\d{6,14}", number):
        raise ValueError(
            "không phải số điện thoại, ví dụ +84912000001 / is not a telephone number, for example +84912000001"
        )
    return number


def _dialled(value: str) -> str:
    if not re.fullmatch(r"\+?[0-9*#]{1,31}", value):
        raise ValueError("chỉ gồm chữ số / must be digits, as they are dialled")
    return value


def _multicast(value: str) -> str:
    host, colon, port = value.rpartition(":")
    try:
        good = bool(colon) and IPv4Address(host).is_multicast and 1024 <= int(port) <= 65535
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


def _quiet_hours(value: str) -> str:
    if not _QUIET.fullmatch(value):
        raise ValueError('phải có dạng "21:30-05:00" / must look like "21:30-05:00"')
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}", value):
        raise ValueError("phải là mã ISO 639 / must be an ISO 639 code such as vi, tyz, hmn")
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise ValueError("không phải địa chỉ thư / is not an e-mail address")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(min_length=1, max_length=40)]
SipName = Annotated[str, AfterValidator(_sip_name)]
PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
Dialled = Annotated[str, AfterValidator(_dialled)]
Language = Annotated[str, AfterValidator(_language)]
Email = Annotated[str, AfterValidator(_email), Field(max_length=254)]
Digits = Annotated[str, Field(pattern=r"^[0-9]{1,12}$")]
Pin = Annotated[str, Field(pattern=r"^[0-9]{4,12}$")]
Secret = Annotated[str, Field(min_length=8, max_length=128)]
Codec = Literal[CODECS]  # type: ignore[valid-type]


class Table(BaseModel):
    """Every table refuses keys it does not know and values of the wrong type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class StationTable(Table):
    """[station]: the station itself."""

    name: Name = "Hai Chiều"
    timezone: Annotated[str, AfterValidator(_time_zone)] = "Asia/Ho_Chi_Minh"
    languages: Annotated[list[Language], Field(min_length=1, max_length=10)] = ["vi"]
    quiet_hours: Annotated[str, AfterValidator(_quiet_hours)] | None = None
    emergency_number: Digits | None = None
    emergency_pin: Pin | None = None

    @model_validator(mode="after")
    def _line_needs_pin(self) -> "StationTable":
        if bool(self.emergency_number) != bool(self.emergency_pin):
            raise ValueError(
                "emergency_number và emergency_pin phải đi cùng nhau / emergency_number and emergency_pin go together"
            )
        return self


class UnitTable(Table):
    """[[units]]: a unit of government."""

    code: Code
    name: Name
    level: Literal[tuple(str(level) for level in Level)]  # type: ignore[valid-type]
    parent: Code | None = None


class SpeakerTable(Table):
    """[[speakers]]: a loudspeaker with a SIP account, or a multicast group."""

    id: SipName
    name: Name
    unit: Code
    password: Secret | None = Field(None, repr=False)
    multicast: Annotated[str, AfterValidator(_multicast)] | None = None
    codecs: Annotated[list[Codec], Field(min_length=1)] = ["alaw", "ulaw"]
    latitude: Annotated[float, Field(ge=-90, le=90, strict=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, strict=False)] | None = None

    @model_validator(mode="after")
    def _account_or_group(self) -> "SpeakerTable":
        if bool(self.password) == bool(self.multicast):
            raise ValueError(
                "cần password (tài khoản SIP) hoặc multicast, không phải cả hai / "
                "needs either a password (a SIP account) or a multicast address, not both"
            )
        return self


class ZoneTable(Table):
    """[[zones]]: a paging group."""

    code: Digits
    name: Name
    units: list[Code] = []
    speakers: list[SipName] = []


class OfficialTable(Table):
    """[[officials]]: someone who may speak on the loudspeakers."""

    code: Digits
    name: Name
    title: Annotated[str, Field(max_length=200)] = ""
    unit: Code
    phones: list[PhoneNumber] = []
    pin: Pin = Field(repr=False)
    zones: list[Digits] = []
    may: list[Literal[tuple(str(right) for right in Right)]] = []  # type: ignore[valid-type]
    call_back: bool = False

    @model_validator(mode="after")
    def _can_be_called_back(self) -> "OfficialTable":
        if self.call_back and not self.phones:
            raise ValueError("call_back cần ít nhất một số trong phones / call_back needs a number in phones")
        return self


class DepartmentTable(Table):
    """[[departments]]: an office that answers cases."""

    code: Code
    name: Name
    email: Email | None = None


class CategoryTable(Table):
    """[[categories]]: what a case is about."""

    code: Annotated[str, Field(pattern=r"^[1-9]$")]
    name: Name
    department: Code
    answer_within_days: Annotated[int, Field(ge=1, le=365)]
    keywords: list[Annotated[str, Field(min_length=1, max_length=60)]] = []


class NumberTable(Table):
    """[[numbers]]: a number that people dial."""

    number: Dialled
    flow: Code
    unit: Code
    language: Language | None = None


class PhoneTable(Table):
    """[[phones]]: a SIP phone on the station's own network."""

    id: SipName
    name: Name
    password: Secret = Field(repr=False)
    caller_number: PhoneNumber


class TrunkTable(Table):
    """[[trunks]]: a carrier."""

    id: SipName
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 5060
    register_: bool = Field(False, alias="register")
    username: Annotated[str, Field(pattern=r"^[A-Za-z0-9+._-]{0,80}$")] = ""
    password: Annotated[str, Field(max_length=128)] | None = Field(None, repr=False)
    outbound: bool = False
    prefix_rules: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []

    @model_validator(mode="after")
    def _registers_as_somebody(self) -> "TrunkTable":
        if self.register_ and not self.username:
            raise ValueError("register = true cần username / register = true needs a username")
        return self


class AccountTable(Table):
    """[[accounts]]: a login of the web panel."""

    email: Email
    name: Name
    password: Annotated[str, Field(min_length=10, max_length=128)] = Field(repr=False)
    role: Literal[tuple(str(role) for role in Role)]  # type: ignore[valid-type]
    unit: Code


class District(Table):
    """The whole file."""

    station: StationTable = StationTable()
    units: list[UnitTable] = []
    speakers: list[SpeakerTable] = []
    zones: list[ZoneTable] = []
    officials: list[OfficialTable] = []
    departments: list[DepartmentTable] = []
    categories: list[CategoryTable] = []
    numbers: list[NumberTable] = []
    phones: list[PhoneTable] = []
    trunks: list[TrunkTable] = []
    accounts: list[AccountTable] = []
