"""Splitting of a calendar file into components with their lines, before any content is trusted.

Size and nesting are checked here; `calendar_properties` reads the content. Only the properties that a schedule uses are
retained, so that a mistake in any other one cannot refuse the file.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from broadcast_bridge.schedule.errors import CalendarRefused
from haichieu.locale import Message, message

MAX_BYTES = 1_000_000
MAX_LINES = 50_000
MAX_EVENTS = 2_000
MAX_TIME_ZONES = 20
MAX_DEPTH = 6
MAX_LINE = 40_000

OURS = "X-HAICHIEU-SCHEDULE"
DATES = frozenset({"DTSTART", "EXDATE", "RDATE", "RECURRENCE-ID"})
_USED = {
    "VEVENT": DATES | {"UID", "RRULE", "EXRULE", "SUMMARY", "LOCATION", "STATUS", "SEQUENCE", OURS},
    "VTIMEZONE": frozenset({"TZID", "DTSTART", "RRULE", "RDATE", "TZOFFSETFROM", "TZOFFSETTO"}),
    "VCALENDAR": frozenset({"METHOD"}),
}


@dataclass(frozen=True)
class Component:
    """The used lines of one VEVENT (without nested components) or VTIMEZONE, and the number of its first line."""

    name: str
    line: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The component as iCalendar text."""
        return "\r\n".join(self.lines) + "\r\n"


@dataclass
class Components:
    """The components of a file; `ignored` counts those without a meaning for a schedule (VTODO, VALARM …) by name."""

    events: list[Component] = field(default_factory=list)
    time_zones: list[Component] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    method: str = ""
    """METHOD of the calendar in upper case (RFC 5546 §1.4), empty without one."""


def take_apart(data: bytes) -> Components:
    """Return the components of an iCalendar file (RFC 5545 §3.4). Raises CalendarRefused naming the line."""
    found = Components()
    stack: list[str] = []
    kept: list[str] = []
    begun, calendars = 0, 0
    for number, octets in _unfolded(data):
        word = property_name(octets.decode("utf-8", "replace"))
        if stack and word not in ("BEGIN", "END"):
            if word in _used_in(stack):
                line = _text(number, octets)
                if stack == ["VCALENDAR"]:
                    found.method = line.rpartition(":")[2].strip().upper()
                else:
                    kept.append(line)
            elif b"\0" in octets:
                raise _wrong(number, message("schedule.calendar.control_character"))
            continue
        line = _text(number, octets)
        name = line.partition(":")[2].strip().upper()[:40]
        if word == "BEGIN":
            stack.append(name)
            calendars += len(stack) == 1
            _check_nesting(number, stack, calendars)
            if len(stack) == 2 and name in ("VEVENT", "VTIMEZONE"):
                kept, begun = [line], number
            elif _is_kept(stack):
                kept.append(line)
            elif len(stack) > 1:
                found.ignored[name] += 1
        elif word == "END":
            if not stack or stack[-1] != name:
                raise _wrong(number, message("schedule.calendar.end_without_begin", name=name))
            if _is_kept(stack):
                kept.append(line)
                if len(stack) == 2:
                    _keep(found, Component(name, begun, tuple(kept)))
            stack.pop()
        else:
            raise _wrong(number, message("schedule.calendar.not_a_calendar"))
    if stack or not calendars:
        raise CalendarRefused("schedule.calendar.cut_off")
    return found


def property_name(line: str) -> str:
    """Return the name of the property in a content line, in upper case."""
    return re.split("[:;]", line, maxsplit=1)[0].strip().upper()


def _used_in(stack: list[str]) -> frozenset[str]:
    """Return the properties that are used at this place of the file."""
    if len(stack) == 1 or _is_kept(stack):
        return _USED[stack[min(len(stack), 2) - 1]]
    return frozenset()


def _is_kept(stack: list[str]) -> bool:
    return len(stack) > 1 and (stack[1] == "VTIMEZONE" or (len(stack) == 2 and stack[1] == "VEVENT"))


def _check_nesting(number: int, stack: list[str], calendars: int) -> None:
    if len(stack) > MAX_DEPTH:
        raise _wrong(number, message("schedule.calendar.nested_too_deeply"))
    if (len(stack) == 1) != (stack[-1] == "VCALENDAR") or calendars > 1:
        raise _wrong(number, message("schedule.calendar.one_vcalendar"))


def _keep(found: Components, component: Component) -> None:
    kind, most = (found.events, MAX_EVENTS) if component.name == "VEVENT" else (found.time_zones, MAX_TIME_ZONES)
    if len(kind) >= most:
        raise _wrong(component.line, message("schedule.calendar.too_many", limit=most, name=component.name))
    kind.append(component)


def _unfolded(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the content lines with the numbers of their first physical lines.

    A line may be folded between the octets of one character (RFC 5545 §3.1), so they are joined before decoding.
    """
    if len(data) > MAX_BYTES:
        raise CalendarRefused("schedule.calendar.too_large", kilobytes=MAX_BYTES // 1000)
    lines = _plain(data).split(b"\n")
    if len(lines) > MAX_LINES:
        raise CalendarRefused("schedule.calendar.too_many_lines", limit=MAX_LINES)
    begun, parts, length = 0, [b""], 0
    for number, line in enumerate(lines, start=1):
        folded = line[:1] in (b" ", b"\t") and begun > 0
        if not folded:
            if content := b"".join(parts).strip():
                yield begun, content
            begun, parts, length = number, [], 0
        parts.append(line[1:] if folded else line)
        length += len(line)
        if length > MAX_LINE:
            raise _wrong(begun, message("schedule.calendar.line_too_long"))
    if content := b"".join(parts).strip():
        yield begun, content


def _plain(data: bytes) -> bytes:
    """Return a file in UTF-8 with LF between its lines, without byte order mark and the end marks of old systems.

    What Windows editors store as "Unicode" is UTF-16 with a byte order mark.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise CalendarRefused("schedule.calendar.not_utf8") from None
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").rstrip(b"\x1a\0\n")
    return data if b"\n" in data else data.replace(b"\r", b"\n")


def _text(number: int, octets: bytes) -> str:
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        raise CalendarRefused("schedule.calendar.not_utf8") from None
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", text):
        raise _wrong(number, message("schedule.calendar.control_character"))
    return text


def _wrong(line: int, problem: Message) -> CalendarRefused:
    return CalendarRefused("schedule.calendar.at_line", line=line, problem=problem)
