"""Splitting of a calendar file into components with their lines, before any content is trusted.

Size and nesting are checked here; `calendar_files` reads the content.
"""

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


@dataclass(frozen=True)
class Component:
    """One VEVENT or VTIMEZONE as text, without components nested in an event, and its first line."""

    name: str
    line: int
    text: str


@dataclass
class Components:
    """The components of a file; `ignored` counts those without a meaning for a schedule (VTODO, VALARM …) by name."""

    events: list[Component] = field(default_factory=list)
    time_zones: list[Component] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def take_apart(data: bytes) -> Components:
    """Return the components of an iCalendar file (RFC 5545 §3.4). Raises CalendarRefused naming the line."""
    found = Components()
    stack: list[str] = []
    kept: list[str] = []
    begun, kept_depth, calendars = 0, 0, 0
    for number, line in _unfolded(data):
        word, _colon, value = line.partition(":")
        name = value.strip().upper()[:40]
        match word.upper():
            case "BEGIN":
                stack.append(name)
                if len(stack) > MAX_DEPTH:
                    raise _wrong(number, message("schedule.calendar.nested_too_deeply"))
                calendars += len(stack) == 1
                if (len(stack) == 1) != (name == "VCALENDAR") or calendars > 1:
                    raise _wrong(number, message("schedule.calendar.one_vcalendar"))
                if len(stack) == 2 and name in ("VEVENT", "VTIMEZONE"):
                    kept, begun, kept_depth = [line], number, 2
                elif kept_depth and stack[1] == "VTIMEZONE":
                    kept.append(line)
                elif len(stack) > 1:
                    found.ignored[name] += 1
            case "END":
                if not stack or stack[-1] != name:
                    raise _wrong(number, message("schedule.calendar.end_without_begin", name=name))
                if kept_depth and (len(stack) == 2 or stack[1] == "VTIMEZONE"):
                    kept.append(line)
                if len(stack) == 2 and kept_depth:
                    _keep(found, Component(name, begun, "\r\n".join(kept) + "\r\n"))
                    kept_depth = 0
                stack.pop()
            case _ if not stack:
                raise _wrong(number, message("schedule.calendar.not_a_calendar"))
            case _ if kept_depth and (len(stack) == 2 or stack[1] == "VTIMEZONE"):
                kept.append(line)
    if stack or not calendars:
        raise CalendarRefused("schedule.calendar.cut_off")
    return found


def _keep(found: Components, component: Component) -> None:
    kind, most = (found.events, MAX_EVENTS) if component.name == "VEVENT" else (found.time_zones, MAX_TIME_ZONES)
    if len(kind) >= most:
        raise _wrong(component.line, message("schedule.calendar.too_many", limit=most, name=component.name))
    kind.append(component)


def _unfolded(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the content lines with the numbers of their first physical lines (RFC 5545 §3.1)."""
    if len(data) > MAX_BYTES:
        raise CalendarRefused("schedule.calendar.too_large", kilobytes=MAX_BYTES // 1000)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CalendarRefused("schedule.calendar.not_utf8") from None
    lines = text.replace("\r\n", "\n").split("\n")
    if len(lines) > MAX_LINES:
        raise CalendarRefused("schedule.calendar.too_many_lines", limit=MAX_LINES)
    begun, parts, length = 0, [""], 0
    for number, line in enumerate(lines, start=1):
        if re.search(r"[\x00-\x08\x0b-\x1f\x7f]", line):
            raise _wrong(number, message("schedule.calendar.control_character"))
        if line[:1] in (" ", "\t") and begun:
            parts.append(line[1:])
            length += len(line)
            if length > MAX_LINE:
                raise _wrong(begun, message("schedule.calendar.line_too_long"))
            continue
        if begun and any(parts):
            yield begun, "".join(parts)
        begun, parts, length = number, [line], len(line)
        if length > MAX_LINE:
            raise _wrong(begun, message("schedule.calendar.line_too_long"))
    if any(parts):
        yield begun, "".join(parts)


def _wrong(line: int, problem: Message) -> CalendarRefused:
    return CalendarRefused("schedule.calendar.at_line", line=line, problem=problem)
