"""Parser of district files: reports every mistake before anything is changed."""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from haichieu.district.errors import DistrictFileError, Mistake
from haichieu.district.lines import Place, line_of, lines_of
from haichieu.district.schema import District
from haichieu.locale import Message, message
from haichieu.pydantic_messages import message_of_detail

MOST_BYTES = 5_000_000


def read_district(path: Path, flows: Collection[str]) -> District:
    """Read and check a district file; `flows` are the call flows there are.

    Raises DistrictFileError with every mistake.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = getattr(problem, "lineno", None) or _line_in(str(problem))
        raise DistrictFileError(path, [Mistake(line, "TOML", message("district.not_toml", why=str(problem)))]) from None
    lines = lines_of(text)
    try:
        district = District.model_validate(content)
    except ValidationError as problem:
        raise DistrictFileError(path, [_mistake(error, content, lines) for error in problem.errors()]) from None
    if mistakes := [
        Mistake(line_of(lines, place), name, wrong) for place, name, wrong in _cross_checks(district, flows)
    ]:
        raise DistrictFileError(path, mistakes)
    return district


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DistrictFileError(
                path, [Mistake(0, "file", message("district.too_large", megabytes=MOST_BYTES // 1_000_000))]
            )
        return path.read_text("utf-8")
    except OSError as problem:
        wrong = message("district.unreadable", why=problem.strerror or str(problem))
        raise DistrictFileError(path, [Mistake(0, "file", wrong)]) from problem
    except UnicodeDecodeError as problem:
        raise DistrictFileError(path, [Mistake(0, "file", message("district.not_utf8"))]) from problem


def _line_in(message: str) -> int:
    _, _, rest = message.partition("at line ")
    digits = rest.split(",")[0]
    return int(digits) if digits.isdigit() else 0


def _mistake(error: ErrorDetails, content: dict[str, object], lines: dict[Place, int]) -> Mistake:
    place: Place = tuple(error["loc"])
    return Mistake(line_of(lines, place), _name(place, content), message_of_detail(error))


def _name(place: Place, content: dict[str, object]) -> str:
    """Name an entry by its id, if it has one: `speakers "cb-01" password`."""
    table, *rest = place
    words = [str(table)]
    if rest and isinstance(rest[0], int):
        entries = content.get(str(table))
        entry = entries[rest[0]] if isinstance(entries, list) and rest[0] < len(entries) else {}
        keys = ("id", "code", "number", "written", "email")
        own = next((entry[key] for key in keys if key in entry), None) if isinstance(entry, dict) else None
        words.append(f'"{own}"' if own is not None else f"#{rest[0] + 1}")
        rest = rest[1:]
    return " ".join([*words, *(str(part) for part in rest)])


Finding = tuple[Place, str, Message]


def _cross_checks(district: District, flows: Collection[str]) -> Iterator[Finding]:
    """Yield conflicts between entries: duplicates and unknown references."""
    yield from _twice("units", [unit.code for unit in district.units], "code")
    yield from _twice("zones", [zone.code for zone in district.zones], "code")
    yield from _twice("officials", [official.code for official in district.officials], "code")
    yield from _twice("departments", [department.code for department in district.departments], "code")
    yield from _twice("categories", [category.code for category in district.categories], "code")
    yield from _twice("answer_templates", [template.code for template in district.answer_templates], "code")
    yield from _twice("numbers", [number.number for number in district.numbers], "number")
    written = [entry.written.lower() for entry in district.pronunciations]
    yield from _twice("pronunciations", written, "written")
    yield from _twice("sources", [source.code for source in district.sources], "code")
    yield from _twice("accounts", [account.email.lower() for account in district.accounts], "email")
    yield from _shared_sip_names(district)
    yield from _shared_phone_numbers(district)
    units = {unit.code for unit in district.units}
    for table in ("speakers", "officials", "numbers", "sources", "accounts"):
        for index, entry in enumerate(getattr(district, table)):
            yield from _unknown((table, index, "unit"), _name_of(table, entry), [entry.unit], units, "unit")
    yield from _tree(district)
    speakers, zones = {speaker.id for speaker in district.speakers}, {zone.code for zone in district.zones}
    for index, zone in enumerate(district.zones):
        name = _name_of("zones", zone)
        yield from _unknown(("zones", index, "units"), name, zone.units, units, "unit")
        yield from _unknown(("zones", index, "speakers"), name, zone.speakers, speakers, "speaker")
        if not zone.units and not zone.speakers:
            yield ("zones", index), name, message("district.zone_needs_places")
    for index, official in enumerate(district.officials):
        name = _name_of("officials", official)
        yield from _unknown(("officials", index, "zones"), name, official.zones, zones, "zone")
    for index, source in enumerate(district.sources):
        name = _name_of("sources", source)
        yield from _unknown(("sources", index, "areas"), name, source.areas.values(), units, "unit")
        yield from _unknown(("sources", index, "speakers"), name, source.speakers.values(), speakers, "speaker")
    departments = {department.code for department in district.departments}
    for index, category in enumerate(district.categories):
        name = _name_of("categories", category)
        yield from _unknown(("categories", index, "department"), name, [category.department], departments, "department")
    for index, number in enumerate(district.numbers):
        name = _name_of("numbers", number)
        yield from _unknown(("numbers", index, "flow"), name, [number.flow], flows, "flow")
        others = [route.flow for route in number.routes]
        yield from _unknown(("numbers", index, "routes"), name, others, flows, "flow")
        if district.station and number.number == district.station.emergency_number:
            yield ("numbers", index, "number"), name, message("district.is_emergency_number")


def _name_of(table: str, entry: object) -> str:
    own = next(value for key in ("id", "code", "number", "email") if (value := getattr(entry, key, None)))
    return f'{table} "{own}"'


def _twice(table: str, keys: Sequence[str], key: str) -> Iterator[Finding]:
    for index, value in enumerate(keys):
        if value in keys[:index]:
            yield (table, index, key), f'{table} "{value}"', message("district.twice_in_file")


def _shared_sip_names(district: District) -> Iterator[Finding]:
    """Yield duplicate SIP names: speakers, phones and trunks are accounts of one SIP server."""
    taken: dict[str, str] = {}
    for table in ("speakers", "phones", "trunks"):
        for index, entry in enumerate(getattr(district, table)):
            if owner := taken.get(entry.id):
                yield (
                    (table, index, "id"),
                    f'{table} "{entry.id}"',
                    message("district.id_taken", table=message(f"district.table.{owner}")),
                )
            taken.setdefault(entry.id, table)


def _shared_phone_numbers(district: District) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for index, official in enumerate(district.officials):
        for number in official.phones:
            if (owner := owners.get(number)) is not None:
                wrong = message("district.phone_taken", number=number, owner=owner)
                yield ("officials", index, "phones"), f'officials "{official.code}"', wrong
            owners.setdefault(number, official.code)
    taken: set[str] = set()
    for index, phone in enumerate(district.phones):
        if phone.caller_number in taken:
            wrong = message("district.caller_number_taken")
            yield ("phones", index, "caller_number"), f'phones "{phone.id}"', wrong
        taken.add(phone.caller_number)


def _unknown(place: Place, name: str, values: Iterable[str], known: Collection[str], kind: str) -> Iterator[Finding]:
    for value in values:
        if value not in known:
            listed = tuple(sorted(known)[:8]) or ("-",)
            what = message(f"district.kind.{kind}")
            yield place, name, message("district.unknown", what=what, value=value, known=listed)


def _tree(district: District) -> Iterator[Finding]:
    parents = {unit.code: unit.parent for unit in district.units}
    for index, unit in enumerate(district.units):
        place, name = ("units", index, "parent"), f'units "{unit.code}"'
        if unit.parent is not None and unit.parent not in parents:
            yield from _unknown(place, name, [unit.parent], parents.keys(), "unit")
            continue
        above, seen = unit.parent, {unit.code}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if above == unit.code:
            yield place, name, message("district.unit_below_itself")
