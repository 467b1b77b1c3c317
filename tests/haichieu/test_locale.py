"""The catalogues: the same keys and fields in every language, all of them used, plurals, numbers and dates."""

import ast
import datetime
import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from haichieu.errors import HaiChieuError, InvalidValue
from haichieu.locale import LANGUAGES, Message, UnknownMessage, message, render, render_key
from haichieu.locale.catalogue import FOLDER, Catalogue, catalogue
from tests.sources import MODULES, ROOT, nodes_of

NOON = datetime.datetime(2026, 11, 28, 12, 30, tzinfo=datetime.UTC)


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def test_every_language_has_the_same_keys() -> None:
    assert catalogue("vi").keys == catalogue("en").keys


def test_every_language_uses_the_same_fields() -> None:
    differing = [
        key
        for key in catalogue("vi").keys
        if fields_of(catalogue("vi").template(key, 2)) != fields_of(catalogue("en").template(key, 2))
    ]
    assert differing == []


PLURAL_NOUN = re.compile(r"\{(?:count|total|speakers)\} (?:[a-z]+ )?(?!is\b|was\b|has\b|this\b)[a-z]+s\b")


def test_no_english_plural_stands_after_one() -> None:
    english = catalogue("en")
    assert [key for key in sorted(english.keys) if PLURAL_NOUN.search(english.template(key, 1))] == []


def nodes() -> Iterator[ast.AST]:
    for path in MODULES:
        yield from nodes_of(path)


def is_beginning(text: object) -> bool:
    """Return whether a text is the beginning of a key, with its area and more."""
    return isinstance(text, str) and re.fullmatch(r"[a-z_]+\.[a-z_][a-z_.]*", text) is not None


def test_every_message_is_used() -> None:
    """Those of pages are looked up without `panel.`, and are checked in tests/admin/test_layout.py."""
    texts: set[object] = set()
    beginnings: set[str] = set()
    for node in nodes():
        if isinstance(node, ast.Constant):
            texts.add(node.value)
        elif isinstance(node, ast.JoinedStr) and isinstance(first := node.values[0], ast.Constant):
            beginnings |= {str(first.value)} if is_beginning(first.value) else set()
    for template in (ROOT / "feedback").rglob("*.html"):
        texts |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', template.read_text()))
    keys = {key for key in catalogue("vi").keys if not key.startswith("panel.")}
    assert sorted(key for key in keys - texts if not key.startswith(tuple(beginnings))) == []


def test_every_message_that_is_asked_for_exists() -> None:
    keys = catalogue("vi").keys
    areas = {key.partition(".")[0] for key in keys}
    asked = set()
    for node in nodes():
        raised = node.exc if isinstance(node, ast.Raise) else node
        if not isinstance(raised, ast.Call) or not raised.args or not isinstance(raised.args[0], ast.Constant):
            continue
        named = raised.func.id if isinstance(raised.func, ast.Name) else ""
        if raised is not node or named in ("message", "InvalidValue"):
            asked.add(raised.args[0].value)
    looks_like_a_key = {one for one in asked if is_beginning(one) and one.partition(".")[0] in areas}
    assert sorted(looks_like_a_key - keys) == []


def names_of(bases: list[ast.expr]) -> set[str]:
    return {base.id if isinstance(base, ast.Name) else getattr(base, "attr", "") for base in bases}


def errors_made_from_a_key() -> set[str]:
    """Return the names of HaiChieuError and its subclasses whose first argument is its key."""
    found = {"HaiChieuError", "InvalidValue"}
    heirs = [
        node
        for node in nodes()
        if isinstance(node, ast.ClassDef)
        and not any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)
    ]
    while more := {heir.name for heir in heirs if names_of(heir.bases) & found} - found:
        found |= more
    return found


def may_be_a_key(argument: ast.expr) -> bool:
    """Return whether a literal is a key, or an f-string may be one; True for another expression."""
    keys = catalogue("vi").keys
    match argument:
        case ast.Constant(value=value):
            return value in keys
        case ast.JoinedStr(values=parts):
            pattern = "".join(re.escape(str(one.value)) if isinstance(one, ast.Constant) else ".+" for one in parts)
            return any(re.fullmatch(pattern, key) for key in keys)
    return True


def wrong_keys(found: Iterable[ast.AST], errors: set[str]) -> set[str]:
    return {
        ast.unparse(node)
        for node in found
        if isinstance(node, ast.Call)
        and node.args
        and names_of([node.func]) & errors
        and not may_be_a_key(node.args[0])
    }


def test_every_error_is_made_from_a_key_of_the_catalogue() -> None:
    errors = errors_made_from_a_key()
    assert {"HungUp", "SettingsError"} <= errors
    assert "SimplePin" not in errors, "it makes its own message"
    assert wrong_keys(nodes(), errors) == set()


@pytest.mark.parametrize("raised", ['HungUp("the caller left")', 'errors.HungUp(f"{who}: left")', 'HungUp("ari.gone")'])
def test_an_error_with_words_in_place_of_a_key_is_found(raised: str) -> None:
    assert len(wrong_keys(ast.walk(ast.parse(f"raise {raised}")), {"HungUp"})) == 1


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plural = {"vi": "nplurals=1; plural=0;", "en": "nplurals=2; plural=(n != 1);"}
    forms = {
        "vi": 'msgid "found"\nmsgid_plural "found"\nmsgstr[0] "{count} lỗi"\n',
        "en": 'msgid "found"\nmsgid_plural "found"\nmsgstr[0] "{count} mistake"\nmsgstr[1] "{count} mistakes"\n',
    }
    for language, text in forms.items():
        (tmp_path / language).mkdir()
        head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        head += f'"Plural-Forms: {plural[language]}\\n"\n\n'
        both = 'msgid "text.verbatim"\nmsgstr "{text}"\n\nmsgid "due"\nmsgstr "{at} {share} {number}"\n\n'
        (tmp_path / language / "messages.po").write_text(head + both + text)
    monkeypatch.setattr("haichieu.locale.rendering.catalogue", lambda language: Catalogue(language, tmp_path))


@pytest.mark.usefixtures("small")
def test_one_mistake_is_not_one_mistakes() -> None:
    assert [render_key("en", "found", {"count": count}) for count in (0, 1, 2)] == [
        "0 mistakes", "1 mistake", "2 mistakes",
    ]  # fmt: skip
    assert render_key("vi", "found", {"count": 1}) == "1 lỗi"
    assert render_key("vi", "found", {"count": 12345}) == "12.345 lỗi"


@pytest.mark.usefixtures("small")
def test_dates_and_numbers_are_written_as_in_the_language() -> None:
    due = message("due", at=NOON, share=1.5, number=12345)
    assert render(due, "vi") == "28/11/2026 19:30 1,5 12345"
    assert render(due, "en") == "28 Nov 2026 19:30 1.5 12345"


@pytest.mark.usefixtures("small")
def test_a_message_survives_its_row() -> None:
    nested = message("due", at=NOON, share=0.5, number=message("found", count=1))
    assert Message.from_json(nested.to_json()) == nested
    lines = Message.lines([message("found", count=2), Message.verbatim("x / y")])
    assert render(Message.from_json(lines.to_json()), "en") == "2 mistakes\nx / y"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("text", ["Bản tin sáng / chiều", "{}", "[1, 2]", '{"key": 3}', "12", '"words"'])
def test_text_of_earlier_versions_is_shown_as_it_was(text: str) -> None:
    assert render(Message.from_json(text), "vi") == text


@pytest.mark.parametrize("language", ["vi", "en", "fr"])
def test_a_stored_message_of_another_version_is_shown_with_its_fields(language: str) -> None:
    unknown = message("of.a.later.version", name="Cô Ba", day=NOON.date())
    nested = message("base.alarm.line", subject="zone:1", text=unknown)
    lacking = message("base.alarm.line", subject="zone:1")
    shown = [render(Message.from_json(one.to_json()), language) for one in (unknown, nested, lacking)]
    assert shown[0].startswith("of.a.later.version (name=Cô Ba, day=28")
    assert shown[0] in shown[1]
    assert shown[2] == "base.alarm.line (subject=zone:1)"


def test_a_message_of_the_code_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(UnknownMessage):
        render(message("of.a.later.version"), "vi")
    with pytest.raises(KeyError):
        render(message("base.alarm.line", subject="zone:1"), "vi")


def test_a_field_that_is_none_is_not_stored() -> None:
    with pytest.raises(TypeError):
        message("due", at=None).to_json()  # type: ignore[arg-type]


def test_a_missing_key_is_named() -> None:
    with pytest.raises(UnknownMessage, match=r"no\.such\.key"):
        render_key("vi", "no.such.key", {})


@pytest.mark.parametrize("kind", [HaiChieuError, InvalidValue])
def test_an_error_is_english_in_logs(kind: type[HaiChieuError] | type[InvalidValue]) -> None:
    assert str(kind(Message.verbatim("Nothing here"))) == "Nothing here"


def test_every_key_in_the_code_is_in_the_catalogue() -> None:
    raised = re.compile(r'(?:Error|message|Message|InvalidValue|\b[A-Z]\w+)\(\s*"([a-z_]+(?:\.[a-z0-9_]+)+)"')
    areas = {key.split(".")[0] for key in catalogue("vi").keys}
    missing = {
        f"{path.relative_to(ROOT)}: {key}"
        for path in MODULES
        for key in raised.findall(path.read_text())
        if key.split(".")[0] in areas and key not in catalogue("vi").keys
    }
    assert missing == set()


def test_both_catalogues_are_sorted_by_key() -> None:
    for language in LANGUAGES:
        keys = re.findall(r'^msgid "(.+)"$', (FOLDER / language / "messages.po").read_text(), re.MULTILINE)
        assert keys == sorted(keys)
