"""Broadcast now with a large file: the page answers at once, the worker converts it, and nothing is lost on the way."""

import datetime

import pytest
import time_machine

from broadcast_bridge.broadcasts import broadcast_drafts
from broadcast_bridge.broadcasts.broadcast_drafts import BroadcastDraft, DraftSound
from broadcast_bridge.broadcasts.draft_conversion import DraftConversion
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import intake, making_jobs
from haichieu import jobs
from haichieu.alarms import open_alarms
from haichieu.database import now
from haichieu.errors import EnvironmentProblem
from haichieu.jobs import Job
from haichieu.media import unnamed
from tests.admin.announcing import put_on_air, sent_sound
from tests.builders.house import Browser, House
from tests.builders.sounds import tone

OPERATOR = "operator@x.example"


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making_jobs, "LARGE_FILE", 10_000)


def sent(browser: Browser, sound: bytes, name: str = "bai.wav") -> str:
    answer = sent_sound(browser, sound, name=name)
    assert answer.status_code == 201, answer.text
    return str(answer.json["page"])


def conversion(house: House) -> DraftConversion:
    return DraftConversion(house.database, house.store)


async def test_a_large_file_is_converted_in_the_background_and_aired(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = house.signed_in(OPERATOR)
    with monkeypatch.context() as patch:
        patch.setattr(intake, "telephone_forms", None)  # fails when the page converts by itself
        path = sent(browser, tone(3.0))
    page = browser.get(path).text
    assert "đang chuyển đổi tệp" in page
    assert 'hx-trigger="every 2s"' in page
    assert f'href="{path}"' in browser.get("/announce").text
    assert browser.post(path, then="now").headers["Location"] == path
    assert await conversion(house).step() == 1
    assert browser.client.get(path, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    assert "Xem trước khi phát" in browser.get(path).text
    assert browser.client.get(f"{path}/sound").data[:4] == b"RIFF"
    assert f'href="{path}"' not in browser.get("/announce").text
    put_on_air(browser, path)
    with house.database.session() as session:
        [made] = session.query(Broadcast).all()
        assert (made.title, made.zone_codes) == ("bai", ["12"])
        assert made.sounds[0].media.seconds == pytest.approx(3.0, abs=0.6)
        assert len(unnamed(session)) == 1  # the file that was sent, which the nightly cleaning deletes


async def test_a_file_without_sound_leads_back_to_the_form_with_the_reason(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = sent(browser, tone(3.0, pitch=0))
    await conversion(house).step()
    for language, words in (("vi", "không có tiếng"), ("en", "recording is silent")):
        browser.post("/language", language=language)
        page = browser.get(path)
        assert (page.status_code, words in page.text) == (422, True), page.text
    assert 'value="12" checked' in page.text
    assert browser.post(path, then="now").status_code == 303
    with house.database.session() as session:
        assert open_alarms(session) == []
        assert session.query(Broadcast).count() == 0
        assert len(unnamed(session)) == 1


async def test_the_file_of_a_worker_that_died_is_converted_by_another(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = sent(browser, tone(3.0))
    with house.database.session() as session:
        assert len(jobs.claim(session, DraftConversion.kinds, now(), DraftConversion.lease, 1)) == 1
    assert await conversion(house).step() == 0
    with time_machine.travel(now() + DraftConversion.lease + datetime.timedelta(seconds=1), tick=True):
        assert await conversion(house).step() == 1
    assert "Xem trước khi phát" in browser.get(path).text


async def test_a_fault_of_the_station_is_tried_again_and_then_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise EnvironmentProblem("base.vault.wrong_key")

    monkeypatch.setattr(intake, "telephone_forms", full)
    browser = house.signed_in(OPERATOR)
    path = sent(browser, tone(3.0))
    for minutes in range(4):
        with time_machine.travel(now() + datetime.timedelta(minutes=minutes), tick=True):
            await conversion(house).step()
    assert browser.get(path).status_code == 422
    with house.database.session() as session:
        assert [alarm.kind for alarm in open_alarms(session)] == ["job_failed"]


def test_progress_is_open_to_its_account_alone(house: House) -> None:
    path = sent(house.signed_in(OPERATOR), tone(3.0))
    other = house.signed_in("admin@x.example")
    assert other.get(path).status_code == 404
    assert other.client.get(path, headers={"HX-Request": "true"}).status_code == 404
    assert f'href="{path}"' not in other.get("/announce").text


async def test_a_forgotten_draft_leaves_neither_file_nor_job(house: House) -> None:
    sent(house.signed_in(OPERATOR), tone(3.0))
    with house.database.session() as session:
        broadcast_drafts.forget(session, now() + datetime.timedelta(hours=25))
        for kind in (BroadcastDraft, DraftSound, Job):
            assert session.query(kind).count() == 0
        assert len(unnamed(session)) == 1
    assert await conversion(house).step() == 0
