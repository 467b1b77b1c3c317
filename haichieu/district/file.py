"""Reading a district file: everything that is wrong in it is found before anything is changed."""

import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from haichieu.district.errors import DistrictFileError, Mistake
from haichieu.district.lines import Place, line_of, lines_of
from haichieu.district.schema import District

MOST_BYTES = 5_000_000

_SENTENCES = {
    "missing": "thiếu khóa này / is missing",
    "extra_forbidden": "không có khóa này / is no key that can stand here",
    "string_type": "phải là chuỗi trong ngoặc kép / must be a text in quotes",
    "int_type": "phải là số nguyên / must be a whole number",
    "bool_type": "phải là true hoặc false / must be true or false",
    "list_type": "phải là danh sách [...] / must be a list [...]",
    "model_type": "phải là một bảng / must be a table",
    "float_parsing": "phải là một số / must be a number",
    "greater_than_equal": "ít nhất {ge} / must be at least {ge}",
    "less_than_equal": "nhiều nhất {le} / must be at most {le}",
    "string_too_long": "dài quá {max_length} ký tự / has more than {max_length} characters",
    "string_too_short": "cần ít nhất {min_length} ký tự / needs at least {min_length} characters",
    "too_short": "cần ít nhất {min_length} / needs at least {min_length}",
}


def read_district(path: Path, flows: Collection[str]) -> District:
    """Read and check a district file; `flows` are the call flows there are.

    Raises DistrictFileError with every mistake.
    """
    text = _text(path)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        line = getattr(problem, "lineno", None) or _line_in(str(problem))
        raise DistrictFileError(path, [Mistake(line, "TOML", f"sai cú pháp / is not valid TOML: {problem}")]) from None
    lines = lines_of(text)
    try:
        district = District.model_validate(content)
    except ValidationError as problem:
        raise DistrictFileError(path, [_mistake(error, content, lines) for error in problem.errors()]) from None
    if mistakes := [Mistake(line_of(lines, place), name, said) for place, name, said in _cross_checks(district, flows)]:
        raise DistrictFileError(path, mistakes)
    return district


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DistrictFileError(path, [Mistake(0, "file", "tệp quá lớn / is larger than 5 MB")])
        return path.read_text("utf-8")
    except OSError as problem:
        said = f"không đọc được / cannot be read: {problem.strerror}"
        raise DistrictFileError(path, [Mistake(0, "file", said)]) from problem
    except UnicodeDecodeError as problem:
        raise DistrictFileError(path, [Mistake(0, "file", "không phải UTF-8 / is not UTF-8 text")]) from problem


def _line_in(message: str) -> int:
    _, _, rest = message.partition("at line ")
    digits = rest.split(",")[0]
    return int(digits) if digits.isdigit() else 0


def _mistake(error: ErrorDetails, content: dict[str, object], lines: dict[Place, int]) -> Mistake:
    place: Place = tuple(error["loc"])
    return Mistake(line_of(lines, place), _name(place, content), sentence_of(error))


def sentence_of(error: ErrorDetails) -> str:
    """What is wrong with one value, in words."""
    if error["type"] == "value_error":
        return str(error.get("ctx", {}).get("error", error["msg"]))
    if error["type"] == "literal_error":
        return f"phải là một trong / must be one of: {error['ctx']['expected']}"
    return _SENTENCES.get(error["type"], error["msg"]).format_map(error.get("ctx", {}))


def _name(place: Place, content: dict[str, object]) -> str:
    """Call an entry by its own id where it has one: `speakers "cb-01" password`."""
    table, *rest = place
    words = [str(table)]
    if rest and isinstance(rest[0], int):
        entries = content.get(str(table))
        entry = entries[rest[0]] if isinstance(entries, list) and rest[0] < len(entries) else {}
        keys = ("id", "code", "number", "email")
        own = next((entry[key] for key in keys if key in entry), None) if isinstance(entry, dict) else None
        words.append(f'"{own}"' if own is not None else f"#{rest[0] + 1}")
        rest = rest[1:]
    return " ".join([*words, *(str(part) for part in rest)])


Finding = tuple[Place, str, str]


def _cross_checks(district: District, flows: Collection[str]) -> Iterator[Finding]:
    """What is wrong between entries: twice the same, or pointing at nothing."""
    yield from _twice("units", [unit.code for unit in district.units], "code")
    yield from _twice("zones", [zone.code for zone in district.zones], "code")
    yield from _twice("officials", [official.code for official in district.officials], "code")
    yield from _twice("departments", [department.code for department in district.departments], "code")
    yield from _twice("categories", [category.code for category in district.categories], "code")
    yield from _twice("numbers", [number.number for number in district.numbers], "number")
    yield from _twice("accounts", [account.email.lower() for account in district.accounts], "email")
    yield from _shared_sip_names(district)
    yield from _shared_phone_numbers(district)
    units = {unit.code for unit in district.units}
    for table in ("speakers", "officials", "numbers", "accounts"):
        for index, entry in enumerate(getattr(district, table)):
            yield from _unknown((table, index, "unit"), _name_of(table, entry), [entry.unit], units, "unit")
    yield from _tree(district)
    speakers, zones = {speaker.id for speaker in district.speakers}, {zone.code for zone in district.zones}
    for index, zone in enumerate(district.zones):
        name = _name_of("zones", zone)
        yield from _unknown(("zones", index, "units"), name, zone.units, units, "unit")
        yield from _unknown(("zones", index, "speakers"), name, zone.speakers, speakers, "speaker")
        if not zone.units and not zone.speakers:
            yield ("zones", index), name, "cần units hoặc speakers / needs units or speakers"
    for index, official in enumerate(district.officials):
        name = _name_of("officials", official)
        yield from _unknown(("officials", index, "zones"), name, official.zones, zones, "zone")
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
            yield ("numbers", index, "number"), name, "trùng emergency_number / is the emergency_number"


def _name_of(table: str, entry: object) -> str:
    own = next(value for key in ("id", "code", "number", "email") if (value := getattr(entry, key, None)))
    return f'{table} "{own}"'


def _twice(table: str, keys: Sequence[str], key: str) -> Iterator[Finding]:
    for index, value in enumerate(keys):
        if value in keys[:index]:
            yield (table, index, key), f'{table} "{value}"', "đã khai báo ở trên / stands twice in the file"


def _shared_sip_names(district: District) -> Iterator[Finding]:
    """Speakers, phones and trunks are accounts of one SIP server, so they share their names."""
    taken: dict[str, str] = {}
    for table in ("speakers", "phones", "trunks"):
        for index, entry in enumerate(getattr(district, table)):
            if owner := taken.get(entry.id):
                said = f"mã này đã dùng trong {owner} / the id is taken by one of the {owner}"
                yield (table, index, "id"), f'{table} "{entry.id}"', said
            taken.setdefault(entry.id, table)


def _shared_phone_numbers(district: District) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for index, official in enumerate(district.officials):
        for number in official.phones:
            if (owner := owners.get(number)) is not None:
                said = f"số {number} đã là của {owner} / the number {number} belongs to {owner}"
                yield ("officials", index, "phones"), f'officials "{official.code}"', said
            owners.setdefault(number, official.code)
    taken: set[str] = set()
    for index, phone in enumerate(district.phones):
        if phone.caller_number in taken:
            said = "caller_number đã dùng cho máy khác / is the caller_number of another phone"
            yield ("phones", index, "caller_number"), f'phones "{phone.id}"', said
        taken.add(phone.caller_number)


def _unknown(place: Place, name: str, values: Iterable[str], known: Collection[str], what: str) -> Iterator[Finding]:
    for value in values:
        if value not in known:
            listed = ", ".join(sorted(known)[:8]) or "-"
            yield place, name, f'không có {what} "{value}" / there is no {what} "{value}"; known: {listed}'


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
            yield place, name, "đơn vị nằm dưới chính nó / the unit lies below itself"
