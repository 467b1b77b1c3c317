from collections.abc import Callable
from pathlib import Path

import pytest

from admin.station.fields import CONFIDENTIAL, FORMS
from haichieu.district.errors import DistrictFileError
from haichieu.district.file import read_district
from haichieu.locale import render

EXAMPLE = (Path(__file__).parents[2] / "examples" / "bao-lac.toml").read_text()
FLOWS = {"official-line", "hotline", "fault-line", "duty-desk"}

Change = tuple[str, str]


def mistakes_in(path: Path, text: str) -> list[tuple[int, str, str]]:
    path.write_text(text)
    with pytest.raises(DistrictFileError) as refusal:
        read_district(path, FLOWS)
    return [(mistake.line, mistake.place, render(mistake.wrong, "en")) for mistake in refusal.value.mistakes]


def line(text: str, words: str, nth: int = 1) -> int:
    """The line of the nth occurrence of some words."""
    return [number for number, row in enumerate(text.splitlines(), 1) if words in row][nth - 1]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "district.toml"


def test_the_delivered_examples_are_right() -> None:
    for example in (Path(__file__).parents[2] / "examples").glob("*.toml"):
        read_district(example, FLOWS)


@pytest.mark.parametrize(
    ("old", "new", "marked", "place", "said"),
    [
        ('id = "cb-02"', 'id = "cb-01"', 'id = "cb-01"|2', 'speakers "cb-01"', "already used in speakers"),
        ('id = "ban-truc"', 'id = "cb-01"', 'id = "cb-01"|2', 'phones "cb-01"', "already used in speakers"),
        ('id = "carrier"', 'id = "ban-truc"', 'id = "ban-truc"|2', 'trunks "ban-truc"', "already used in phones"),
        ('units = ["BL-CB"]', 'units = ["XX"]', 'units = ["XX"]', 'zones "11"', "no unit “XX”"),
        ('speakers = ["cp-01", "tt-lan"]', 'speakers = ["cp-09"]', "cp-09", 'zones "12"', "no speaker “cp-09”"),
        ("239.10.20.30:5004", "10.20.30.40:5004", "10.20.30.40", 'speakers "tt-lan" multicast', "multicast group"),
        ("239.10.20.30:5004", "239.10.20.30", '"239.10.20.30"', 'speakers "tt-lan" multicast', "and a port"),
        ("239.10.20.30:5004", "239.10.20.30:99999", "99999", 'speakers "tt-lan" multicast', "and a port"),
        ('parent = "BL"', 'parent = "BL-CB"', 'parent = "BL-CB"', 'units "BL-CB"', "below itself"),
        ('parent = "BL"', 'parent = "ZZ"', 'parent = "ZZ"', 'units "BL-CB"', "no unit “ZZ”"),
        ('level = "province"', 'level = "kingdom"', "kingdom", 'units "BL" level', "must be one of"),
        ('pin = "246810"', 'pin = "12"', 'pin = "12"', 'officials "1001" pin', "must be 4 to 12 digits"),
        ('pin = "246810"', 'pin = "345678"', "345678", 'officials "1001" pin', "too easy to guess"),
        ('pin = "246810"', 'pin = "777777"', "777777", 'officials "1001" pin', "too easy to guess"),
        ('pin = "246810"', 'pin = "483483"', "483483", 'officials "1001" pin', "too easy to guess"),
        ('pin = "246810"', 'pin = "912000"', 'pin = "912000"', 'officials "1001" pin', "too easy to guess"),
        (
            'pin = "246810"',
            'pin = "7351"',
            'code = "1001"|-1',
            'officials "1001"',
            "at least 6 digits, unless",
        ),
        ('emergency_pin = "971357"', 'emergency_pin = "9713"', "9713", "station emergency_pin", "at least 6 digits"),
        ('emergency_pin = "971357"', 'emergency_pin = "111111"', "111111", "station emergency_pin", "easy to guess"),
        ('pin = "246810"', "pin = 246810", "pin = 246810", 'officials "1001" pin', "must be a text in quotes"),
        ("+84912000001", "+84abc", "+84abc", 'officials "1001" phones 0', "not a telephone number"),
        ("+84912000001", "+84912000002", "+84912000002|2", 'officials "1002"', "belongs to 1001"),
        ('may = ["live", "record"]', 'may = ["shout"]', "shout", 'officials "1001" may 0', "must be one of"),
        ('zones = ["11"]', 'zones = ["55"]', 'zones = ["55"]', 'officials "1001"', "no zone “55”"),
        ('codecs = ["ulaw"]', 'codecs = ["mp3"]', "mp3", 'speakers "tt-lan" codecs 0', "must be one of"),
        ('codecs = ["ulaw"]', 'make = "sony"', "sony", 'speakers "tt-lan" make', "must be one of"),
        ('codecs = ["ulaw"]', "behind_nat = true", 'id = "tt-lan"|-1', 'speakers "tt-lan"', "takes no calls"),
        ("latitude = 22.97", "answer_seconds = 0.5", "0.5", 'speakers "cb-01" answer_seconds', "1"),
        ("latitude = 22.97", 'qualify = "no"', "qualify", 'speakers "cb-01" qualify', "true or false"),
        ("Asia/Ho_Chi_Minh", "Asia/Bao_Lac", "Asia/Bao_Lac", "station timezone", "not a known time zone"),
        ("21:30-05:00", "25:30-05:00", "25:30", "station quiet_hours", "must look like"),
        ('emergency_pin = "971357"', "", "[station]", "station", "go together"),
        ('number = "1900"', 'number = "1999"', 'number = "1999"|2', 'numbers "1999"', "is the emergency number"),
        ('flow = "hotline"', 'flow = "hotlin"', "hotlin", 'numbers "1022"', "no flow “hotlin”"),
        ('department = "kinh-te"', 'department = "x"', 'department = "x"', 'categories "1"', "no department “x”"),
        ('role = "admin"', 'role = "king"', "king", 'accounts "quantri@baolac.example" role', "must be one of"),
        ("latitude = 22.97", "latitude = 122.97", "122.97", 'speakers "cb-01" latitude', "90"),
        ("port = 5999", "port = 70000", "70000", 'trunks "carrier" port', "65535"),
        ("register = false", "register = true", "[[trunks]]", 'trunks "carrier"', "needs a username"),
        ('name = "Cô Ba"', 'nmae = "Cô Ba"', "nmae", 'zones "11" nmae', "is not a known key"),
        ('password = "speaker-cb-01-secret"', "", 'id = "cb-01"|-1', 'speakers "cb-01"', "needs either a password"),
        ('code = "11"  ', 'code = "BL"  ', 'code = "BL"|2', 'zones "BL" code', "must be 1 to 12 digits"),
    ],
)
def test_a_mistake_names_its_line_and_what_to_do(
    path: Path, old: str, new: str, marked: str, place: str, said: str
) -> None:
    text = EXAMPLE.replace(old, new, 1)
    assert text != EXAMPLE
    words, _, which = marked.partition("|")
    found = mistakes_in(path, text)
    at = line(text, words) - 1 if which == "-1" else line(text, words, int(which or 1))
    assert any((number, where) == (at, place) and said in sentence for number, where, sentence in found), found


@pytest.mark.parametrize(
    ("routes", "place", "said"),
    [
        ('{ flow = "desk", hours = "22:00-05:00" }', 'numbers "1022"', "no flow “desk”"),
        ('{ flow = "hotline", hours = "22-5" }', 'numbers "1022" routes 0 hours', "must look like"),
        ('{ flow = "hotline", day = "off" }', 'numbers "1022" routes 0 day', "is not a known key"),
        ('{ flow = "hotline", days = "monday" }', 'numbers "1022" routes 0 days', "must be one of"),
        ('{ flow = "hotline" }, { flow = "duty-desk", days = "off" }', 'numbers "1022"', "“days off” overlap"),
    ],
)
def test_routes_that_cannot_be_name_the_number_and_what_to_do(path: Path, routes: str, place: str, said: str) -> None:
    hours = 'duty_hours = "07:30-17:00"'
    text = EXAMPLE.replace(hours, f"routes = [{routes}]\n{hours}")
    (mistake,) = mistakes_in(path, text)
    assert (mistake[1], said in mistake[2]) == (place, True), mistake
    assert mistake[0] in (line(text, "routes = [{"), line(text, "[[numbers]]", 2)), mistake


def test_the_flow_that_rings_the_duty_desk_needs_its_phone(path: Path) -> None:
    text = EXAMPLE.replace('duty_phone = "+842063000001"', 'routes = [{ flow = "duty-desk" }]')
    assert "needs the duty phone" in mistakes_in(path, text)[0][2]


def test_every_mistake_is_reported_in_one_language(path: Path) -> None:
    text = EXAMPLE.replace('pin = "246810"', 'pin = "1"').replace("Asia/Ho_Chi_Minh", "Mars").replace("22.97", '"x"')
    path.write_text(text)
    with pytest.raises(DistrictFileError) as refusal:
        read_district(path, FLOWS)
    vietnamese, english = (render(refusal.value.message, language).split("\n") for language in ("vi", "en"))
    assert [said.rpartition(": ")[2] for said in vietnamese] == [
        "múi giờ không có, ví dụ Asia/Ho_Chi_Minh", "phải là một số", "phải là 4 đến 12 chữ số",
        "3 lỗi. Không có gì được thay đổi.",
    ]  # fmt: skip
    assert [said.rpartition(": ")[2] for said in english] == [
        "is not a known time zone, for example Asia/Ho_Chi_Minh", "must be a number", "must be 4 to 12 digits",
        "3 mistakes. Nothing was changed.",
    ]  # fmt: skip


def test_toml_that_is_no_toml_names_the_line(path: Path) -> None:
    ((number, _, said),) = mistakes_in(path, EXAMPLE.replace('level = "province"', "level = district"))
    assert number == line(EXAMPLE, 'level = "province"')
    assert "not valid TOML" in said


def test_the_message_for_people_is_file_line_place_and_sentence(path: Path) -> None:
    path.write_text(EXAMPLE.replace('pin = "246810"', 'pin = "1"'))
    with pytest.raises(DistrictFileError, match=rf"{path.name}:\d+: officials \"1001\" pin: ") as refusal:
        read_district(path, FLOWS)
    assert str(refusal.value).endswith("1 mistake. Nothing was changed.")
    assert refusal.value.exit_status == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "cannot be read"),
        (lambda path: path.mkdir(), "cannot be read"),
        (lambda path: path.write_bytes(b"\xff\xfe\x00"), "not UTF-8"),
        (lambda path: path.write_text("#" * 5_000_001), "larger than"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(path: Path, make: Callable[[Path], None], said: str) -> None:
    make(path)
    with pytest.raises(DistrictFileError, match=said):
        read_district(path, FLOWS)


def test_lines_are_found_behind_brackets_in_texts_and_lists_over_lines(path: Path) -> None:
    text = """
[station]
name = "[[units]] # not a table"
languages = [
  "vi", # ] not the end
  "tyz",
]

[[units]]
code = "A"
name = '''
[[speakers]]
'''
level = "commune"

[[units]]
code = "B"
name = "B"
level = "nothing"
"""
    found = [(number, place) for number, place, _ in mistakes_in(path, text)]
    assert found == [(line(text, "name = '''"), 'units "A" name'), (line(text, "nothing"), 'units "B" level')]


def test_short_pin_is_right_with_call_back_verification(path: Path) -> None:
    path.write_text(EXAMPLE.replace('pin = "135791"', 'pin = "7351"'))
    assert read_district(path, FLOWS).officials[1].pin == "7351"


def test_an_empty_file_is_an_empty_station(path: Path) -> None:
    path.write_text("")
    assert read_district(path, FLOWS).speakers == []


def test_kinds_of_entries_are_named_in_the_language_of_the_reader(path: Path) -> None:
    path.write_text(EXAMPLE.replace('units = ["BL-CB"]', 'units = ["XX"]').replace('zones = ["11"]', 'zones = ["55"]'))
    with pytest.raises(DistrictFileError) as refusal:
        read_district(path, FLOWS)
    said = " ".join(render(mistake.wrong, "vi") for mistake in refusal.value.mistakes)
    assert "không có đơn vị “XX”" in said
    assert "không có khu vực “55”" in said


@pytest.mark.parametrize("name", FORMS)
def test_form_has_a_field_for_every_key_of_the_file(name: str) -> None:
    kind, fields = FORMS[name]
    keys = {info.alias or key for key, info in kind.entry.model_fields.items()}
    assert {kind.secret if one.name == CONFIDENTIAL else one.name for one in fields} == keys
