from typing import Any

from broadcast_bridge.alerts.announcement import LONGEST_TEXT, text_to_speak
from broadcast_bridge.alerts.cap import Certainty, Severity, Urgency
from broadcast_bridge.alerts.cap_reader import parse_alert
from broadcast_bridge.alerts.priorities import priority_of
from broadcast_bridge.broadcasts.states import Priority
from haichieu.speech.synthesis import speakable
from tests.broadcast_bridge.alerts.messages import alert, info, reference

ASCENDING = list(Priority)


def spoken(infos: str, language: str = "vi", **parts: Any) -> str:
    return text_to_speak(parse_alert(alert(infos=infos, **parts)), language)


def test_an_emergency_is_called_one() -> None:
    assert spoken(info()).startswith("Thông báo khẩn của Đài Khí tượng Thủy văn Cao Bằng. Lũ quét trên sông Gâm.")
    assert spoken(info(urgency="Expected")).startswith("Thông báo quan trọng của")
    assert spoken(info(urgency="Future")).startswith("Thông báo của")


def test_each_language_gets_its_own_words() -> None:
    both = info() + info("en-US", headline="Flash flood on the river", description="", instruction="Go uphill now")
    assert spoken(both, "en").startswith("Emergency announcement from")
    assert spoken(both, "en").endswith("Flash flood on the river. Area: Xã Cô Ba. Go uphill now.")
    assert "Flash" not in spoken(both, "vi")


def test_a_language_that_the_station_does_not_frame_is_spoken_as_it_is() -> None:
    assert spoken(info("hmn", headline="Dej nyab"), "hmn").startswith("Dej nyab.")


def test_a_language_that_is_not_there_has_no_text() -> None:
    assert spoken(info(), "tay") == ""


def test_a_test_says_that_it_is_one() -> None:
    assert "Đây là thông báo thử" in spoken(info(), status="Test")


def test_what_is_said_twice_is_spoken_once() -> None:
    text = spoken(info(headline="Lũ quét", description="Lũ quét", instruction="Lên cao") * 2)
    assert text.count("Đài Khí tượng") == 1
    assert text.count("Lên cao") == 1


def test_a_long_description_is_cut_at_a_sentence_before_the_instruction() -> None:
    text = spoken(info(description="Nước đang lên nhanh. " * 200))
    assert LONGEST_TEXT - 100 < len(text) <= LONGEST_TEXT
    assert text.endswith("Nước đang lên nhanh. Bà con hãy lên nơi cao ngay.")


def test_even_an_endless_instruction_keeps_the_limit() -> None:
    assert len(spoken(info(instruction="x" * 5000))) <= LONGEST_TEXT
    assert len(spoken(info(instruction="lên cao " * 900, description="nước " * 900))) <= LONGEST_TEXT


def test_control_and_direction_characters_are_not_spoken() -> None:
    text = spoken(info(headline="Lũ\u202e\u200b quét\n\t to"))
    assert "Lũ quét to." in text
    assert speakable(text) == text


def test_an_update_says_that_it_replaces() -> None:
    assert "Tin này thay thế thông báo trước." in spoken(info(), kind="Update", references=reference("a"))


def test_what_is_graver_never_gets_a_lower_priority() -> None:
    severities = [Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME]
    urgencies = [Urgency.PAST, Urgency.FUTURE, Urgency.EXPECTED, Urgency.IMMEDIATE]
    for certainty in Certainty:
        table = [[ASCENDING.index(priority_of(u, s, certainty)) for s in severities] for u in urgencies]
        assert all(row == sorted(row) for row in table)
        assert all(list(column) == sorted(column) for column in zip(*table, strict=True))


def test_only_what_is_immediate_grave_and_not_unlikely_breaks_in() -> None:
    found = {
        (urgency, severity)
        for urgency in Urgency
        for severity in Severity
        if priority_of(urgency, severity, Certainty.POSSIBLE) is Priority.EMERGENCY
    }
    assert found == {(Urgency.IMMEDIATE, Severity.EXTREME), (Urgency.IMMEDIATE, Severity.SEVERE)}
    assert priority_of(Urgency.IMMEDIATE, Severity.EXTREME, Certainty.UNLIKELY) is Priority.NORMAL
