"""Schema of a district file: one pydantic model per table. Validates each entry in isolation.

`docs/district-file.md` describes every key; a test compares it with these models.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from broadcast_bridge.alerts.hosts import origin
from broadcast_bridge.source_system.dialects import DIALECTS
from haichieu.district.cells import composed
from haichieu.district.formats import (
    Certificates,
    Code,
    Codec,
    Dialled,
    Digits,
    Email,
    ExternalId,
    Host,
    HostAndPort,
    HostOrNetwork,
    Key,
    Language,
    Make,
    Multicast,
    Name,
    PhoneNumber,
    Pin,
    Prefix,
    QuietHours,
    ReplyHours,
    Secret,
    SipName,
    TimeZone,
    UserName,
    printable,
)
from haichieu.errors import InvalidValue
from haichieu.households import MOST_HOUSEHOLDS
from haichieu.people import Level, Right, Role
from haichieu.pins import LENGTH, is_short, is_simple
from haichieu.speech.pronunciations import LONGEST_SAID, LONGEST_WRITTEN, MOST
from haichieu.speech.voice_choice import LONGEST_VOICE
from ivr.calls.number_routes import Days, Route, RoutesOverlap, require_apart
from ivr.calls.routing import DUTY_FLOW

MOST_ROUTES = 12
LOOPBACK = ("127.0.0.1", "localhost")
MOST_ANSWER_SECONDS = 60
LONGEST_TEMPLATE = 500


class Table(BaseModel):
    """Base of the tables: refuses unknown keys and values of the wrong type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @field_validator("*")
    @classmethod
    def _printable(cls, value: Any, field: ValidationInfo) -> Any:
        """Refuse control characters; return words in composed letters, as they are searched. Passwords stay."""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and field.field_name != "ca_certificate":
                printable(text)
        if field.field_name in ("password", "ca_certificate"):
            return value
        if isinstance(value, list):
            return [composed(text) if isinstance(text, str) else text for text in value]
        return composed(value) if isinstance(value, str) else value


class StationTable(Table):
    """[station]: the station itself."""

    name: Name = "Hai Chiều"
    timezone: TimeZone = "Asia/Ho_Chi_Minh"
    languages: Annotated[list[Language], Field(min_length=1, max_length=10)] = ["vi"]
    quiet_hours: QuietHours | None = None
    emergency_number: Digits | None = None
    emergency_pin: Pin | None = None
    reply_hours: ReplyHours = "08:00-20:00"

    @model_validator(mode="after")
    def _line_needs_pin(self) -> "StationTable":
        if bool(self.emergency_number) != bool(self.emergency_pin):
            raise InvalidValue("district.value.emergency_pair")
        return self

    @field_validator("emergency_pin")
    @classmethod
    def _hard_to_guess(cls, pin: str | None) -> str | None:
        if pin is not None and (is_simple(pin) or is_short(pin)):
            raise InvalidValue("district.value.emergency_pin", digits=LENGTH)
        return pin


class UnitTable(Table):
    """[[units]]: a unit of government."""

    code: Code
    name: Name
    level: Literal[tuple(str(level) for level in Level)]  # type: ignore[valid-type]
    parent: Code | None = None
    author_may_approve: bool = False
    voice: Annotated[Name, Field(max_length=LONGEST_VOICE)] | None = None
    households: Annotated[int, Field(ge=0, le=MOST_HOUSEHOLDS)] | None = None


class SpeakerTable(Table):
    """[[speakers]]: a loudspeaker with a SIP account, or a multicast group."""

    id: SipName
    name: Name
    unit: Code
    password: Secret | None = Field(None, repr=False)
    multicast: Multicast | None = None
    multicast_by_priority: dict[Literal["priority", "emergency"], Multicast] = {}
    volume_db: Annotated[float, Field(ge=-30, le=12, strict=False)] = 0.0
    codecs: Annotated[list[Codec], Field(min_length=1)] = ["alaw", "ulaw"]
    encrypted: bool = False
    make: Make | None = None
    answer_seconds: Annotated[float, Field(ge=1, le=MOST_ANSWER_SECONDS, strict=False)] | None = None
    qualify: bool | None = None
    behind_nat: bool | None = None
    dial_ahead: bool | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, strict=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, strict=False)] | None = Field(None, validate_default=True)

    @field_validator("longitude")
    @classmethod
    def _both_or_none(cls, longitude: float | None, others: ValidationInfo) -> float | None:
        if "latitude" in others.data and (longitude is None) != (others.data["latitude"] is None):
            raise InvalidValue("district.value.half_a_place")
        return longitude

    @model_validator(mode="after")
    def _account_or_group(self) -> "SpeakerTable":
        if bool(self.password) == bool(self.multicast):
            raise InvalidValue("district.value.password_or_multicast")
        if self.multicast_by_priority and not self.multicast:
            raise InvalidValue("district.value.priority_needs_multicast")
        if self.multicast and "opus" in self.codecs:
            raise InvalidValue("district.value.opus_multicast")
        if self.multicast and self.encrypted:
            raise InvalidValue("district.value.encrypted_multicast")
        if self.multicast and (self.make or any(one is not None for one in self._of_calls)):
            raise InvalidValue("district.value.device_of_multicast")
        return self

    @property
    def _of_calls(self) -> tuple[object, ...]:
        return (self.answer_seconds, self.qualify, self.behind_nat, self.dial_ahead)


class ZoneTable(Table):
    """[[zones]]: a paging group."""

    code: Digits
    name: Name
    units: list[Code] = []
    speakers: list[SipName] = []
    quiet_hours: QuietHours | None = None


class OfficialTable(Table):
    """[[officials]]: a person who may speak on the loudspeakers."""

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
            raise InvalidValue("district.value.call_back_needs_phone")
        return self

    @field_validator("pin")
    @classmethod
    def _hard_to_guess(cls, pin: str, others: ValidationInfo) -> str:
        if is_simple(pin, (others.data.get("code", ""), *others.data.get("phones", ()))):
            raise InvalidValue("district.value.pin_simple")
        return pin

    @model_validator(mode="after")
    def _short_pin_needs_call_back(self) -> "OfficialTable":
        if is_short(self.pin) and not self.call_back:
            raise InvalidValue("district.value.pin_short", digits=LENGTH)
        return self


class DepartmentTable(Table):
    """[[departments]]: an office that answers cases."""

    code: Code
    name: Name
    email: Email | None = None


class CategoryTable(Table):
    """[[categories]]: a topic of cases."""

    code: Key
    name: Name
    department: Code
    answer_within_days: Annotated[int, Field(ge=1, le=365)]
    keywords: list[Annotated[str, Field(min_length=1, max_length=60)]] = []


class AnswerTemplateTable(Table):
    """[[answer_templates]]: a text for answers to cases, in place of the built-in one of the same key."""

    code: Key
    name: Annotated[Name, Field(max_length=60)]
    text: Annotated[Name, Field(max_length=LONGEST_TEMPLATE)]


class RouteTable(Table):
    """One of the `routes` of a number: the flow for some days and hours."""

    flow: Code
    days: Literal["every", "working", "off"] = "every"
    hours: QuietHours | None = None
    duty_phone: PhoneNumber | None = None

    def as_route(self) -> Route:
        """Return the route as used for calls."""
        return Route(self.flow, Days(self.days), self.hours or "", self.duty_phone or "")


class NumberTable(Table):
    """[[numbers]]: a number that people dial."""

    number: Dialled
    flow: Code
    unit: Code
    language: Language | None = None
    missed_call_back: bool = False
    duty_phone: PhoneNumber | None = None
    duty_hours: QuietHours | None = None
    routes: Annotated[list[RouteTable], Field(max_length=MOST_ROUTES)] = []

    @model_validator(mode="after")
    def _one_way_at_a_time(self) -> "NumberTable":
        try:
            require_apart([route.as_route() for route in self.routes])
        except RoutesOverlap as overlap:
            raise InvalidValue(overlap.message) from None
        return self

    @model_validator(mode="after")
    def _duty_desk_has_a_phone(self) -> "NumberTable":
        phones = [(self.flow, self.duty_phone), *((one.flow, one.duty_phone or self.duty_phone) for one in self.routes)]
        if any(flow == DUTY_FLOW and not phone for flow, phone in phones):
            raise InvalidValue("district.value.duty_phone_missing", flow=DUTY_FLOW)
        return self


class PhoneTable(Table):
    """[[phones]]: a SIP phone on the station's network."""

    id: SipName
    name: Name
    password: Secret = Field(repr=False)
    caller_number: PhoneNumber
    encrypted: bool = False
    behind_nat: bool | None = None


class TrunkTable(Table):
    """[[trunks]]: a carrier."""

    id: SipName
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    hosts: Annotated[list[HostOrNetwork], Field(max_length=20)] = []
    transport: Literal["udp", "tcp", "tls"] = "udp"
    proxy: HostAndPort | None = None
    domain: Host | None = None
    register_: bool = Field(False, alias="register")
    username: UserName = ""
    password: Annotated[str, Field(max_length=128)] | None = Field(None, repr=False)
    outbound: bool = False
    texts: bool = False
    caller_number: Dialled | None = None
    withhold_number: bool = False
    prefix_rules: list[Annotated[list[Prefix], Field(min_length=2, max_length=2)]] = []
    ca_certificate: Certificates = ""

    @model_validator(mode="after")
    def _registers_as_somebody(self) -> "TrunkTable":
        if self.register_ and not self.username:
            raise InvalidValue("district.value.register_needs_username")
        if self.password and not self.username:
            raise InvalidValue("district.value.password_needs_username")
        return self


class PronunciationTable(Table):
    """[[pronunciations]]: how a name is read aloud."""

    written: Annotated[Name, Field(max_length=LONGEST_WRITTEN)]
    said: Annotated[Name, Field(max_length=LONGEST_SAID)]


class SourceTable(Table):
    """[[sources]]: a province's source information system."""

    code: Code
    name: Name
    dialect: Literal[tuple(DIALECTS)]  # type: ignore[valid-type]
    address: Annotated[str, Field(max_length=500)]
    username: Annotated[str, Field(min_length=1, max_length=200)]
    password: Annotated[str, Field(min_length=1, max_length=200)] = Field(repr=False)
    station: Annotated[str, Field(min_length=1, max_length=120)]
    unit: Code
    areas: dict[ExternalId, Code] = {}
    speakers: dict[ExternalId, SipName] = {}
    file_hosts: Annotated[list[Host], Field(max_length=20)] = []
    poll_seconds: Annotated[int, Field(ge=5, le=3600)] = 15

    @field_validator("address")
    @classmethod
    def _is_encrypted(cls, address: str) -> str:
        found = origin(address)
        if found is None or (found[0] != "https" and found[1] not in LOOPBACK):
            raise InvalidValue("district.value.source_address")
        return address.rstrip("/")

    @model_validator(mode="after")
    def _names_each_once(self) -> "SourceTable":
        if twice := sorted(self.areas.keys() & self.speakers.keys()):
            raise InvalidValue("district.value.source_ids_twice", ids=tuple(twice[:5]))
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

    station: StationTable | None = None
    units: list[UnitTable] = []
    speakers: list[SpeakerTable] = []
    zones: list[ZoneTable] = []
    officials: list[OfficialTable] = []
    departments: list[DepartmentTable] = []
    categories: list[CategoryTable] = []
    answer_templates: list[AnswerTemplateTable] = []
    numbers: list[NumberTable] = []
    phones: list[PhoneTable] = []
    trunks: list[TrunkTable] = []
    pronunciations: Annotated[list[PronunciationTable], Field(max_length=MOST)] = []
    sources: Annotated[list[SourceTable], Field(max_length=20)] = []
    accounts: list[AccountTable] = []
