"""The broadcast log: who sees what, filters, proof, files that no spreadsheet runs, airing again."""

import csv
import datetime
import io

import pytest
import sqlalchemy as sa
from flask import has_request_context

from broadcast_bridge.broadcasts.states import Kind, Priority
from broadcast_bridge.models import Broadcast, BroadcastSound
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.programmes.states import ProgrammeState
from haichieu.audio.sound import write_wav
from haichieu.audio.tones import siren
from haichieu.database import now
from haichieu.media import MediaStore
from haichieu.people import Account
from haichieu.spreadsheet_cells import harmless
from tests.builders.broadcasts import aired
from tests.builders.house import House
from tests.builders.programmes import approved
from tests.builders.sounds import kept, sound_row, stored

VIEWER = "viewer@x.example"


def table(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))


def test_page_of_a_broadcast_names_the_schedule_that_asked_for_it(house: House) -> None:
    with house.database.session() as session:
        made = aired(session, {"loa-village": "played"}, "Tin của thôn", zone="13")
        made.asked_by = "schedule:7"
        number = made.id
    assert '<dd dir="auto">Lịch phát 7</dd>' in house.signed_in(VIEWER).get(f"/broadcasts/{number}").text


def test_an_empty_log_says_so(house: House) -> None:
    browser = house.signed_in(VIEWER)
    assert "Chưa có buổi phát nào" in browser.get("/broadcasts").text
    assert "Thử bỏ bớt" in browser.get("/broadcasts?q=lũ").text
    assert len(table(browser.get("/broadcasts?as=csv").text)) == 1


def test_unread_file_leaves_no_request_on_the_thread(house: House) -> None:
    browser = house.signed_in(VIEWER)
    first, second = (browser.get("/broadcasts?as=csv") for _ in range(2))
    assert not has_request_context()
    first.close()
    second.close()


def test_the_log_shows_what_was_heard_in_the_visitors_units_and_no_more(house: House) -> None:
    with house.database.session() as session:
        aired(session, {"loa-village": "played"}, "Tin của thôn", zone="13")
        elsewhere = aired(session, {"loa-other": "played"}, "Tin nơi khác", zone="14").id
    browser = house.signed_in(VIEWER)
    for path in ("/broadcasts", "/broadcasts?as=csv"):
        shown = browser.get(path).text
        assert "Tin của thôn" in shown
        assert "Tin nơi khác" not in shown
    for path in (f"/broadcasts/{elsewhere}", f"/broadcasts/{elsewhere}?as=csv"):
        assert browser.get(path).status_code == 404
    assert "Tin nơi khác" in house.signed_in("viewer@district.example").get("/broadcasts").text


def test_filters_stay_in_the_address_from_page_to_page(house: House) -> None:
    with house.database.session() as session:
        for number in range(52):
            aired(session, {"loa-commune": "played"}, f"Nông vụ số {number:02}")
        aired(session, {"loa-commune": "played"}, "Thời tiết", priority=Priority.PRIORITY)
    browser = house.signed_in(VIEWER)
    first = browser.get("/broadcasts?q=nong+vu&state=ended&unit=COMMUNE&zone=12&kind=recorded&priority=normal").text
    assert "Thời tiết" not in first
    assert 'value="nong vu"' in first
    assert '<option value="ended" selected>' in first
    assert "Nông vụ số 51" in first
    assert "Nông vụ số 01" not in first
    older = first.split('">Cũ hơn')[0].rpartition('href="')[2].replace("&amp;", "&")
    assert "Nông vụ số 01" in browser.get(older).text
    assert "state=ended" in older
    assert "Nông vụ" not in browser.get("/broadcasts?until=2020-01-01").text
    assert len(table(browser.get("/broadcasts?as=csv&q=nong+vu").text)) == 53


@pytest.mark.parametrize(
    "odd",
    ["since=never", "before=-1", f"before={10**20}", "state=x", "unit=OTHER", "q=%00", "since=0001-01-01"],
)  # fmt: skip
def test_an_odd_filter_breaks_nothing(house: House, odd: str) -> None:
    assert house.signed_in(VIEWER).get(f"/broadcasts?{odd}").status_code == 200


def test_the_proof_names_every_speaker_with_reasons_in_words(house: House) -> None:
    with house.database.session() as session:
        first = aired(session, {"loa-commune": "played", "loa-village": "caught_up", "loa-other": "missed"})
        later = aired(session, {"loa-village": "played"}, again_of_id=first.id)
        number, made_good = first.id, later.id
    browser = house.signed_in(VIEWER)
    shown = browser.get(f"/broadcasts/{number}").text
    for words in ("1.234,5", "2,50", "7,2", "cụm loa chưa kết nối về đài", "đã phát bù", f"/broadcasts/{made_good}"):
        assert words in shown
    assert "1 trong 1 thôn đã nghe; không nghe được: <bdi>Đơn vị other</bdi>." in shown
    assert "0,00" not in shown
    rows = {row[0]: row for row in table(browser.get(f"/broadcasts/{number}?as=csv").text)}
    assert rows["loa-commune"][5:9] == ["1234.5", "có", "2.5", "7.25"]
    assert rows["loa-other"][6:9] == ["không", "", ""]
    assert rows["loa-other"][-2] == "cụm loa chưa kết nối về đài"


def test_the_proof_says_unknown_for_a_speaker_that_never_reported(house: House) -> None:
    with house.database.session() as session:
        made = aired(session, {"loa-commune": "played"})
        made.deliveries[0].packets_lost = made.deliveries[0].jitter_ms = None
        number = made.id
    browser = house.signed_in(VIEWER)
    assert browser.get(f"/broadcasts/{number}").text.count(">không rõ</td>") == 3
    rows = {row[0]: row for row in table(browser.get(f"/broadcasts/{number}?as=csv").text)}
    assert rows["loa-commune"][6:9] == ["không rõ"] * 3


def test_the_proof_begins_with_a_sentence_about_villages(house: House) -> None:
    with house.database.session() as session:
        until = now() + datetime.timedelta(hours=1)
        missed = aired(session, {"loa-village": "missed"}, "<b>Tin</b>", worth_hearing_until=until).id
        heard = aired(session, {"loa-other": "played", "loa-commune": "played"}).id
        live = aired(session, {"loa-village": "played"}, kind=Kind.LIVE).id
    browser = house.signed_in(VIEWER)
    assert (
        "0 trong 1 thôn đã nghe; chưa nghe: <bdi>Đơn vị village (Đơn vị commune)</bdi>."
        in browser.get(f"/broadcasts/{missed}").text
    )
    assert "Cả 2 đơn vị đã nghe." in browser.get(f"/broadcasts/{heard}").text
    assert "Buổi phát này không có bản ghi." in browser.get(f"/broadcasts/{live}").text
    rows = {row[0]: row for row in table(browser.get(f"/broadcasts/{missed}?as=csv").text)}
    assert rows["loa-village"][2] == "Đơn vị village (Đơn vị commune)"


def test_what_was_aired_can_be_heard_by_those_who_see_the_broadcast(house: House) -> None:
    with house.database.session() as session:
        made = aired(session, {"loa-village": "played"})
        sounds = [stored(session, house.store, name * 400) for name in (b"one", b"two")]
        made.sounds = [BroadcastSound(position=at, media_id=one.id) for at, one in enumerate(sounds)]
        first, second, number = sounds[0].id, sounds[1].id, made.id
    browser, stranger = house.signed_in(VIEWER), house.signed_in("viewer@district.example")
    shown = browser.get(f"/broadcasts/{number}").text
    assert f'src="/sounds/{first}" data-next="/sounds/{second}"' in shown
    assert browser.get(f"/sounds/{second}").status_code == 200
    with house.database.session() as session:
        session.query(Account).filter_by(email="viewer@district.example").one().unit_id = house.units["other"]
    assert stranger.get(f"/sounds/{second}").status_code == 404


def test_a_broadcast_on_air_can_be_stopped_from_its_page_and_follows(house: House) -> None:
    with house.database.session() as session:
        made = aired(session, {"loa-village": "playing"}, state="on_air")
        made.ended_at, made.deliveries[0].active = None, True
        number = made.id
    shown = house.signed_in("operator@x.example").get(f"/broadcasts/{number}").text
    assert "Đang phát ở 1 trong 1 thôn." in shown
    assert f'href="/broadcasts/{number}/stop"' in shown
    assert 'hx-select="#result"' in shown
    assert f'href="/broadcasts/{number}/stop"' not in house.signed_in(VIEWER).get(f"/broadcasts/{number}").text


@pytest.mark.parametrize("name", ["=1+1", "+84", "-2+3", "@SUM(A1)", "\t=1", "  =cmd|' /C calc'!A0", "＝1"])
def test_no_cell_of_a_file_is_a_formula(house: House, name: str) -> None:
    with house.database.session() as session:
        aired(session, {"loa-commune": "played"}, name)
    row = table(house.signed_in(VIEWER).get("/broadcasts?as=csv").text)[1]
    assert row[2] == f"'{name}"


def test_figures_and_plain_words_are_left_alone() -> None:
    assert [harmless(cell) for cell in (-1.5, None, "Cô Ba = xã", "")] == [-1.5, None, "Cô Ba = xã", ""]


def test_a_broadcast_that_is_over_is_called_off_in_two_steps(house: House) -> None:
    with house.database.session() as session:
        until = now() + datetime.timedelta(hours=1)
        number = aired(session, {"loa-commune": "played", "loa-village": "missed"}, worth_hearing_until=until).id
    page, stop = f"/broadcasts/{number}", f"/broadcasts/{number}/stop"
    assert "Hủy phát bù" not in house.signed_in(VIEWER).get(page).text
    browser = house.signed_in("operator@x.example")
    assert "1 cụm loa chưa phát được" in browser.get(page).text
    assert "&lt;time" not in browser.get(page).text
    assert "1 cụm loa chưa phát được" in browser.get(stop).text
    assert browser.post(stop, stop).headers["Location"].endswith(page)
    shown = browser.get(page).text
    assert "Đã hủy phát bù cho 1 cụm loa." in shown
    assert "Không phát bù nữa: được dừng theo lệnh." in shown
    assert f'href="{stop}"' not in shown
    rows = {row[0]: row for row in table(browser.get(f"{page}?as=csv").text)}
    assert (rows["loa-village"][-1], rows["loa-commune"][-1]) == ("được dừng theo lệnh", "")


def test_an_approved_recording_is_aired_again_where_it_was(house: House) -> None:
    with house.database.session() as session:
        media = sound_row(session)
        approved(session, media, house.units["commune"])
        first = aired(session, {"loa-commune": "played"}, "Nông vụ")
        first.sounds = [BroadcastSound(position=0, media_id=media.id)]
        number, sounds = first.id, [media.id]
    page = f"/broadcasts/{number}/again"
    editor = house.signed_in("editor@x.example")
    assert "1 trong số 2" in editor.get(page).text
    assert editor.post(page, page).status_code == 303
    with house.database.session() as session:
        again = session.scalars(sa.select(Broadcast).order_by(Broadcast.id.desc())).first()
        assert again is not None
        assert (again.state, again.zone_codes, [one.media_id for one in again.sounds]) == ("planned", ["12"], sounds)
        assert again.asked_by == "account:editor@x.example"
    assert house.signed_in(VIEWER).get(page).status_code == 403


def test_an_unapproved_text_is_repeated_by_users_who_may_announce(house: House) -> None:
    with house.database.session() as session:
        first = aired(session, {"loa-commune": "played"}, "Thông báo")
        first.sounds = [BroadcastSound(position=0, media_id=sound_row(session).id)]
        number = first.id
    page = f"/broadcasts/{number}/again"
    editor, operator = house.signed_in("editor@x.example"), house.signed_in("operator@x.example")
    assert "Phát lại" not in editor.get(f"/broadcasts/{number}").text
    assert editor.post(page, page).status_code == 403
    assert "Phát lại" in operator.get(f"/broadcasts/{number}").text
    assert operator.post(page, page).status_code == 303


def test_a_programme_that_was_withdrawn_stays_off_the_air(house: House) -> None:
    with house.database.session() as session:
        media = sound_row(session)
        approved(session, media, house.units["commune"]).state = ProgrammeState.WITHDRAWN
        first = aired(session, {"loa-commune": "played"}, "Nông vụ")
        first.sounds = [BroadcastSound(position=0, media_id=media.id)]
        number = first.id
    operator = house.signed_in("operator@x.example")
    assert "chưa được duyệt" in operator.get(f"/broadcasts/{number}").text
    page = f"/broadcasts/{number}/again"
    assert operator.post(page, "/account").status_code == 409


def test_a_broadcast_recording_becomes_a_programme_awaiting_approval(house: House, tmp_path) -> None:  # type: ignore[no-untyped-def]
    wav = tmp_path / "live.wav"
    write_wav(wav, siren())
    with house.database.session() as session:
        recording = kept(session, MediaStore(tmp_path / "media", 0), wav)
        live = aired(session, {"loa-commune": "played"}, "", kind=Kind.LIVE, recording_id=recording.id)
        number = live.id
    page, editor = f"/broadcasts/{number}/programme", house.signed_in("editor@x.example")
    assert editor.post(page, page, title="").status_code == 422
    assert editor.post(page, page, title="Họp thôn").status_code == 303
    with house.database.session() as session:
        made = session.scalars(sa.select(Programme)).one()
        assert (made.title, made.state, made.unit_id) == ("Họp thôn", "submitted", house.units["commune"])
        assert made.author == "account:editor@x.example"
    assert house.signed_in("operator@x.example").get(page).status_code == 403
