"""Alerts as senders write them, one file per kind: what is decided, what is spoken, and which alarms are raised.

The station speaks Vietnamese and has voices for Vietnamese and English. Its speakers are in commune 01285, at 22.95
north and 105.67 east, and the zone with them is the default zone of the source.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest

from broadcast_bridge.alerts.alert_jobs import wordings
from broadcast_bridge.alerts.models import DecisionKind
from broadcast_bridge.broadcasts.states import Priority
from haichieu.alarms import open_alarms
from haichieu.database import Database
from tests.broadcast_bridge.alerts.messages import NOW, place, source
from tests.broadcast_bridge.alerts.taking import take

CORPUS = Path(__file__).with_name("corpus")
OPENING = "Thông báo khẩn của Đài Khí tượng Thủy văn Cao Bằng."


@dataclass(frozen=True)
class Outcome:
    """Without `says`, nothing is broadcast."""

    says: str = OPENING
    language: str = "vi"
    decision: DecisionKind = DecisionKind.AIR
    alarms: frozenset[str] = frozenset()
    priority: Priority = Priority.EMERGENCY
    never: str = "<"


AIRED = Outcome()
WITH_FAULT = Outcome(alarms=frozenset({"alert_defective"}))
NOWHERE = Outcome("", decision=DecisionKind.IGNORE, alarms=frozenset({"alert_nowhere"}), priority=Priority.NORMAL)
RISING = Outcome("Nước dâng. Cấp 3. Bà con hãy")

OUTCOMES = {
    "area-elsewhere": NOWHERE,
    "area-missing": AIRED,
    "cancel-of-unknown": Outcome("", decision=DecisionKind.CANCEL, priority=Priority.NORMAL),
    "cap-1.1": AIRED,
    "circle-line-break": AIRED,
    "circle-radius-zero": AIRED,
    "circle-with-unit": AIRED,
    "element-of-another-namespace": AIRED,
    "elements-out-of-order": AIRED,
    "expired": Outcome("", decision=DecisionKind.REFUSE, priority=Priority.NORMAL),
    "expires-before-sent": WITH_FAULT,
    "geocode-blank": AIRED,
    "geocode-without-its-zero": AIRED,
    "geocode-list": AIRED,
    "headline-empty": Outcome(f"{OPENING} Lũ quét. Khu vực"),
    "identifier-with-spaces": AIRED,
    "infos-many": AIRED,
    "instruction-missing": Outcome("Nước sông đang dâng rất nhanh."),
    "language-country-code": AIRED,
    "language-iso-639-2": AIRED,
    "language-left-at-default": AIRED,
    "language-missing": AIRED,
    "language-name": AIRED,
    "language-underscore": AIRED,
    "language-undetermined": AIRED,
    "language-without-voice": Outcome(
        "Thông báo khẩn của Đài KTTV. Khu vực: Cô Ba. Bà con hãy sơ tán ngay.", never="山"
    ),
    "language-without-voice-first": Outcome("Flash flood. Area: Xã Cô Ba. Go uphill now.", "en"),
    "markup-escaped": RISING,
    "markup-escaped-twice": RISING,
    "markup-in-cdata": RISING,
    "namespace-missing": AIRED,
    "one-info-expired": Outcome("Tin mới.", never="Tin cũ"),
    "polygon-decimal-commas": AIRED,
    "polygon-longitude-first": AIRED,
    "polygon-not-closed": AIRED,
    "polygon-space-after-comma": AIRED,
    "polygon-unreadable-alone": WITH_FAULT,
    "polygon-unreadable-beside-geocode": WITH_FAULT,
    "polygon-well-known-text": AIRED,
    "polygon-without-commas": AIRED,
    "resource-incomplete": AIRED,
    "scope-missing": Outcome("", decision=DecisionKind.REFUSE, alarms=WITH_FAULT.alarms, priority=Priority.NORMAL),
    "sender-in-capitals": AIRED,
    "sent-in-utc": AIRED,
    "sent-without-zone": WITH_FAULT,
    "sent-zone-minus-zero": AIRED,
    "shapes-empty": AIRED,
    "status-line-break": AIRED,
    "update-of-unknown": Outcome("Tin này thay thế thông báo trước.", decision=DecisionKind.UPDATE),
    "update-without-reference": Outcome(OPENING, decision=DecisionKind.UPDATE, alarms=WITH_FAULT.alarms),
    "utf-16": AIRED,
    "urgency-unknown-word": Outcome("Thông báo của Đài", alarms=WITH_FAULT.alarms, priority=Priority.NORMAL),
}


def test_every_file_of_the_corpus_has_an_outcome() -> None:
    assert sorted(path.stem for path in CORPUS.glob("*.xml")) == sorted(OUTCOMES)


@pytest.mark.parametrize("kind", OUTCOMES)
def test_alert_of_the_corpus_has_its_outcome(kind: str, database: Database) -> None:
    expected, document = OUTCOMES[kind], (CORPUS / f"{kind}.xml").read_bytes()
    with database.session() as session:
        here = place(session)
        for speaker in here.speakers:
            speaker.latitude, speaker.longitude = 22.95, 105.67
        decision = take(session, source(session, zones=[here.zone]), document)
        assert (decision.kind, decision.priority) == (expected.decision, expected.priority)
        assert {alarm.kind for alarm in open_alarms(session)} == expected.alarms
        assert decision.speakers == (tuple(here.speakers) if expected.says else ())
        if expected.says:
            assert decision.alert is not None
            first = wordings(decision.alert, ["vi"], {"vi", "en"}, NOW)[0]
            assert first.language == expected.language
            assert expected.says in first.text
            assert expected.never not in first.text
