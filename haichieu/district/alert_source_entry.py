"""Schema of a source of alerts as it is typed in a form; its rules are those of `broadcast_bridge.alerts.sources`."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from broadcast_bridge.alerts.sources import SourceSettings
from broadcast_bridge.broadcasts.states import Priority
from broadcast_bridge.models import Zone
from haichieu.district.cells import composed
from haichieu.district.formats import Code, Digits, Name, printable
from haichieu.district.schema import Table

LONGEST_PEM = 20_000
_PEM = ("certificate", "public_key")


class AlertSourceTable(Table):
    """A sender of CAP alerts, how it is authenticated, and what it may sound."""

    code: Code
    name: Name
    senders: Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=20)] = Field([])
    secret: Annotated[str, Field(max_length=200)] | None = Field(None, repr=False)
    certificate: Annotated[str, Field(max_length=LONGEST_PEM)] = ""
    public_key: Annotated[str, Field(max_length=LONGEST_PEM)] = ""
    feed_url: Annotated[str, Field(max_length=500)] = ""
    feed_seconds: Annotated[int, Field(ge=1, le=86_400)] = 60
    silent_minutes: Annotated[int, Field(ge=1, le=100_000)] = 60
    highest_priority: Literal[tuple(str(priority) for priority in Priority)] = str(Priority.EMERGENCY)  # type: ignore[valid-type]
    speaks_exercises: bool = False
    enabled: bool = True
    zones: list[Digits] = Field([])

    @field_validator("*")
    @classmethod
    def _printable(cls, value: Any, field: ValidationInfo) -> Any:
        """Refuse control characters, except between the lines of a certificate or a key."""
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str) and field.field_name not in _PEM:
                printable(text)
        return composed(value) if field.field_name == "name" else value

    def as_settings(self, zones: list[Zone]) -> SourceSettings:
        """Return the settings of the source."""
        return SourceSettings(
            self.code, self.name, self.senders, self.secret or "", self.certificate, self.public_key, self.feed_url,
            self.feed_seconds, self.silent_minutes, Priority(self.highest_priority), self.speaks_exercises,
            self.enabled, zones,
        )  # fmt: skip
