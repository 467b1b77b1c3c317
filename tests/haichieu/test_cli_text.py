from collections.abc import Iterator
from pathlib import Path

import pytest

from feedback.texts.twilio_stand_in import TwilioStandIn
from tests.command_line import Finished, haichieu


@pytest.fixture
def twilio(monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioStandIn]:
    with TwilioStandIn() as stand_in:
        monkeypatch.setenv("HAICHIEU_TWILIO_ACCOUNT_SID", stand_in.account_sid)
        monkeypatch.setenv("HAICHIEU_TWILIO_AUTH_TOKEN", stand_in.token)
        monkeypatch.setenv("HAICHIEU_TWILIO_NUMBER", stand_in.number)
        monkeypatch.setenv("HAICHIEU_TWILIO_BASE_URL", stand_in.base_url)
        monkeypatch.setenv("HAICHIEU_PUBLIC_URL", "https://dai.example/")
        yield stand_in


def trial(home: Path, number: str) -> Finished:
    return haichieu("text", "test", number, "--home", str(home), "--wait", "0")


def test_a_trial_text_is_sent_and_the_webhook_to_enter_is_said(tmp_path: Path, twilio: TwilioStandIn) -> None:
    done = trial(tmp_path, "0912 345 678")
    (text,) = twilio.texts
    assert (done.returncode, text.to) == (0, "+84912345678")
    assert f"{text.sid}: queued, 1 segment" in done.stdout
    assert "https://dai.example/webhooks/twilio/sms" in done.stdout


@pytest.mark.parametrize(
    ("number", "code", "status", "says"),
    [("abc", None, 2, "not a telephone number"), ("0912345678", 20003, 1, "twilio_auth_token")],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, twilio: TwilioStandIn, number: str, code: int | None, status: int, says: str
) -> None:
    twilio.failing += [code] if code else []
    refused = trial(tmp_path, number)
    assert (refused.returncode, says in refused.stderr, twilio.texts) == (status, True, [])


def test_without_twilio_the_trial_says_what_to_do(tmp_path: Path) -> None:
    refused = trial(tmp_path, "0912345678")
    assert (refused.returncode, "docs/texts.md" in refused.stderr) == (2, True)
