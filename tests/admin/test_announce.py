"""Broadcast now: what was shown and heard goes on air, once, where the account may broadcast."""

import datetime
import re
from collections.abc import Sequence

import pytest
import sqlalchemy as sa

from broadcast_bridge.broadcasts import broadcast_drafts
from broadcast_bridge.broadcasts.broadcast_drafts import BroadcastDraft
from broadcast_bridge.models import Broadcast, Speaker, SpokenRest, Zone
from broadcast_bridge.programmes.models import Programme
from haichieu.database import now
from haichieu.media import unnamed
from haichieu.station import the_station
from tests.admin.announcing import mark, put_on_air, sent_sound
from tests.builders.broadcasts import aired
from tests.builders.house import Browser, House
from tests.builders.programmes import drafted, ready
from tests.builders.sounds import tone

OPERATOR, EDITOR = "operator@x.example", "editor@x.example"
TEXT = "Mời bà con 18h họp thôn."


def broadcasts(house: House) -> Sequence[Broadcast]:
    with house.database.session() as session:
        return session.scalars(sa.select(Broadcast).order_by(Broadcast.id)).all()


def prepared(browser: Browser, **fields: object) -> str:
    """The path of the preview of a text, or of other content."""
    answer = browser.post("/announce", **{"zone": "12", "text": TEXT, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def in_hours(hours: float) -> str:
    """A start time by the station's clock, as the field of the form sends it."""
    zone = datetime.timezone(datetime.timedelta(hours=7))
    return (now() + datetime.timedelta(hours=hours)).astimezone(zone).strftime("%Y-%m-%dT%H:%M")


def test_a_text_is_shown_as_it_will_be_read_and_then_aired(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    shown = browser.get(path).text
    for words in (
        "mười tám giờ",
        "Khu commune",
        "1 trong số 2 cụm loa",
        "Giọng máy",
        "Đơn vị village (Đơn vị commune)",
    ):
        assert words in shown
    assert broadcasts(house) == []
    answer = put_on_air(browser, path)
    [made] = broadcasts(house)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/broadcasts/{made.id}")
    assert (made.title, made.zone_codes, made.asked_by, made.siren) == (TEXT, ["12"], f"account:{OPERATOR}", False)
    assert f"buổi phát số {made.id}" in browser.get(answer.headers["Location"]).text


def test_the_sound_that_was_heard_goes_on_air(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    heard = browser.client.get(f"{path}/sound", headers={"Range": "bytes=0-99"})
    assert (heard.status_code, heard.data[:4]) == (206, b"RIFF")
    with house.database.session() as session:
        spoken = session.scalars(sa.select(BroadcastDraft.sound_id)).one()
        assert spoken is not None
    put_on_air(browser, path)
    with house.database.session() as session:
        [made] = session.scalars(sa.select(Broadcast))
        assert [one.media_id for one in made.sounds] == [spoken]


def test_a_draft_is_aired_once_however_often_it_is_sent(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    shown = mark(browser, path)
    answers = [browser.post(path, confirmed=shown, then="now", once=name) for name in ("a", "a", "b")]
    [made] = broadcasts(house)
    assert {answer.headers["Location"] for answer in answers} == {f"/broadcasts/{made.id}"}
    assert browser.get(path).headers["Location"] == f"/broadcasts/{made.id}"


def test_a_race_of_two_requests_airs_a_draft_once(house: House) -> None:
    path = prepared(house.signed_in(OPERATOR))
    number = int(path.rpartition("/")[2])
    with house.database.session() as session:
        first, second = (aired(session, {"loa-commune": "played"}).id for _ in range(2))
        broadcast_drafts.mark_as_aired(session, number, first)
        with pytest.raises(broadcast_drafts.AlreadyAired) as refused:
            broadcast_drafts.mark_as_aired(session, number, second)
    assert refused.value.broadcast_id == first


def test_zones_that_changed_since_the_preview_are_shown_again(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    shown = mark(browser, path)
    with house.database.session() as session:
        session.add(Speaker(code="loa-moi", name="Loa mới", unit_id=house.units["village"], reachable=True))
    answer = browser.post(path, confirmed=shown, then="now")
    assert "đã thay đổi" in browser.get(answer.headers["Location"]).text
    assert broadcasts(house) == []


def test_a_draft_whose_zone_is_gone_keeps_its_text(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    with house.database.session() as session:
        session.query(Zone).filter_by(code="12").one().removed_at = now()
    for answer in (browser.get(path), browser.post(path, confirmed="x", then="now")):
        assert (answer.status_code, TEXT in answer.text) == (422, True)


def test_a_recording_is_heard_and_aired(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    answer = sent_sound(browser, tone(2.0))
    assert answer.status_code == 201, answer.text
    path = answer.json["page"]
    shown = browser.get(path).text
    assert "Ghi âm của Tài khoản operator" in shown
    assert "Bản ghi âm" in shown
    assert browser.client.get(f"{path}/sound").data[:4] == b"RIFF"
    put_on_air(browser, path)
    [made] = broadcasts(house)
    assert (made.title, made.synthetic) == ("Ghi âm của Tài khoản operator", "")


def test_a_recording_is_kept_when_its_zones_are_chosen_again(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    first = sent_sound(browser, tone(2.0), name="../Bài ‮hát.mp3").json["page"]
    number = first.rpartition("/")[2]
    form = browser.get(f"/announce?draft={number}").text
    assert f'name="sound_of" value="{number}"' in form
    assert "Bài hát" in form
    second = prepared(browser, text="", zone="13", sound_of=number)
    assert "Khu village" in browser.get(second).text
    assert browser.client.get(f"{second}/sound").status_code == 200


def test_an_approved_programme_is_aired_by_an_editor(house: House) -> None:
    number, browser = ready(house, title="Nông vụ"), house.signed_in(EDITOR)
    form = browser.get(f"/announce?programme={number}").text
    assert f'<option value="{number}" selected>' in form
    assert 'name="text"' not in form
    path = prepared(browser, text="", programme=str(number))
    assert "Nông vụ" in browser.get(path).text
    assert browser.client.get(f"{path}/sound").status_code == 200
    put_on_air(browser, path)
    [made] = broadcasts(house)
    assert (made.title, made.asked_by) == ("Nông vụ", f"account:{EDITOR}")


def test_a_programme_that_was_withdrawn_since_the_preview_is_refused(house: House) -> None:
    number, browser = ready(house), house.signed_in(OPERATOR)
    path = prepared(browser, text="", programme=str(number))
    with house.database.session() as session:
        session.get_one(Programme, number).state = "withdrawn"
    assert put_on_air(browser, path).status_code == 422
    assert broadcasts(house) == []


def test_a_broadcast_is_scheduled_for_a_date_and_time(house: House) -> None:
    browser, at = house.signed_in(OPERATOR), in_hours(3)
    answer = put_on_air(browser, prepared(browser), then="later", at=at)
    [made] = broadcasts(house)
    assert answer.headers["Location"] == f"/broadcasts/{made.id}"
    assert made.due_at is not None
    assert made.due_at == datetime.datetime.fromisoformat(f"{at}+07:00")


@pytest.mark.parametrize(
    ("at", "words"),
    [(in_hours(-1), "đã qua"), (in_hours(9600), "quá xa"), ("", "ngày và giờ"), ("9999-99-99T99:99", "ngày và giờ")],
    ids=["past", "far", "empty", "odd"],
)
def test_a_start_time_that_would_never_sound_is_refused(house: House, at: str, words: str) -> None:
    browser = house.signed_in(OPERATOR)
    answer = put_on_air(browser, prepared(browser), then="later", at=at)
    assert (answer.status_code, words in answer.text) == (422, True)
    assert broadcasts(house) == []


@pytest.mark.parametrize("kind", ["quiet hours", "muted"])
def test_a_time_of_silence_is_refused_with_its_reason(house: House, kind: str) -> None:
    with house.database.session() as session:
        if kind == "muted":
            zone = session.query(Zone).filter_by(code="12").one()
            zone.silenced_until = now() + datetime.timedelta(days=1)
        else:
            session.merge(the_station(session)).quiet_hours = "00:00-00:00"
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    shown = browser.get(path).text
    assert "Lúc này không phát được" in shown
    assert 'value="now"' not in shown
    for then in ({}, {"then": "later", "at": in_hours(2)}):
        answer = put_on_air(browser, path, **then)
        assert (answer.status_code, "chỉ được phát khẩn cấp" in answer.text) == (422, True)
    assert broadcasts(house) == []


def test_speakers_in_silence_and_broadcasts_on_air_are_named(house: House) -> None:
    with house.database.session() as session:
        village = session.query(Zone).filter_by(code="13").one()
        village.silenced_until = now() + datetime.timedelta(days=1)
        aired(session, {"loa-commune": "playing"}, "Tin <b>đang</b> phát").deliveries[0].active = True
    browser = house.signed_in(OPERATOR)
    shown = browser.get(prepared(browser)).text
    assert "1 cụm loa không phát lúc này" in shown
    assert "chờ đến khi buổi này kết thúc" in shown
    assert "Tin &lt;b&gt;đang&lt;/b&gt; phát" in shown
    assert "phát đè" in browser.get(prepared(browser, priority="priority")).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": " \r\n "}, "Chưa có gì để phát"),
        ({"text": "🎉🎉"}, "không có gì để đọc"),
        ({"text": "a" * 20_001}, "20001"),
        ({"zone": []}, "ít nhất một khu vực"),
        ({"zone": "99"}, "99"),
        ({"programme": "1"}, "chỉ phát một thứ"),
        ({"text": "", "programme": "77"}, "77"),
        ({"text": "", "programme": "²"}, "Không có chương trình"),
        ({"text": "", "sound_of": "77"}, "không còn"),
        ({"priority": "emergency"}, "Tin khẩn cấp có trang riêng"),
    ],
    ids=["empty", "emoji", "long", "no zone", "zone", "two", "programme", "odd number", "sound", "priority"],
)
def test_a_refused_form_keeps_what_was_typed(house: House, fields: dict[str, object], words: str) -> None:
    browser = house.signed_in(OPERATOR)
    answer = browser.post("/announce", **{"zone": "12", "text": TEXT, **fields})
    assert (answer.status_code, words in answer.text) == (422, True), answer.text
    assert str(fields.get("text", TEXT)).strip() in answer.text
    with house.database.session() as session:
        assert session.query(BroadcastDraft).count() == 0


def test_html_in_a_text_is_shown_as_text(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser, text="<script>alert(1)</script> Mời họp")
    answer = put_on_air(browser, path)
    for page in (path, f"/announce?draft={path.rpartition('/')[2]}", answer.headers["Location"]):
        assert "<script>alert" not in browser.get(page).text


def test_twenty_thousand_characters_are_on_air_with_their_beginning(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser, text=("Bà con chú ý nghe thông báo của xã. " * 600)[:20_000])
    shown = browser.get(path).text
    assert len(re.findall(r"sound\?part=\d+", shown)) > 20
    assert put_on_air(browser, path).status_code == 303
    with house.database.session() as session:
        [made] = session.scalars(sa.select(Broadcast))
        assert made.sounds[0].media.seconds < 20
        assert len(session.get_one(SpokenRest, made.id).parts) > 10


@pytest.mark.proof
def test_every_part_of_a_long_text_can_be_heard_first(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser, text="Bà con chú ý nghe thông báo của xã. " * 26)
    for part in (0, 1, 99):
        assert browser.client.get(f"{path}/sound?part={part}").data[:4] == b"RIFF"


@pytest.mark.parametrize("zone", ["11", "14"])
def test_a_forged_zone_of_another_unit_is_forbidden(house: House, zone: str) -> None:
    browser = house.signed_in(OPERATOR)
    assert browser.post("/announce", zone=["12", zone], text=TEXT).status_code == 403
    assert sent_sound(browser, tone(1.0), zone).status_code == 403
    with house.database.session() as session:
        assert session.query(BroadcastDraft).count() == 0
    assert set(re.findall(r'name="zone" value="(\d+)"', browser.get("/announce").text)) == {"12", "13"}


def test_a_draft_is_open_to_its_account_alone(house: House) -> None:
    path = prepared(house.signed_in(OPERATOR))
    other = house.signed_in("admin@x.example")
    assert {other.get(path).status_code, other.get(f"{path}/sound").status_code} == {404}
    assert other.post(path, then="now").status_code == 404
    assert "Mời bà con" not in other.get(f"/announce?draft={path.rpartition('/')[2]}").text
    assert other.post("/announce", zone="12", text="", sound_of=path.rpartition("/")[2]).status_code == 422


def test_an_account_that_lost_the_right_airs_nothing_more(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    with house.database.session() as session:
        session.execute(sa.text("UPDATE accounts SET role = 'editor' WHERE email = :email"), {"email": OPERATOR})
    assert browser.get(path).status_code == 403
    assert browser.post(path, then="now").status_code == 403
    assert broadcasts(house) == []


@pytest.mark.parametrize(
    ("sound", "words"),
    [(b"#!/bin/sh\nrm -rf /\n" * 50, "không phải tệp âm thanh"), (tone(pitch=0), "không có tiếng")],
    ids=["script", "silence"],
)
def test_a_file_without_sound_is_refused(house: House, sound: bytes, words: str) -> None:
    answer = sent_sound(house.signed_in(OPERATOR), sound, name="x.mp3")
    assert (answer.status_code, words in answer.json["detail"]) == (409, True), answer.text
    with house.database.session() as session:
        assert session.query(BroadcastDraft).count() == 0


def test_an_unapproved_programme_is_neither_offered_nor_taken(house: House) -> None:
    number, browser = drafted(house), house.signed_in(OPERATOR)
    assert f'<option value="{number}"' not in browser.get("/announce").text
    assert browser.post("/announce", zone="12", text="", programme=str(number)).status_code == 422


def test_pages_without_a_zone_or_a_programme_say_what_to_do(house: House) -> None:
    assert "Chưa có chương trình nào được duyệt" in house.signed_in(EDITOR).get("/announce").text
    with house.database.session() as session:
        session.query(Zone).update({"removed_at": now()})
    assert "Không có khu vực nào nằm trọn" in house.signed_in(OPERATOR).get("/announce").text


def test_zones_of_one_name_differ_by_code_and_commune(house: House) -> None:
    with house.database.session() as session:
        session.query(Zone).update({"name": "Toàn xã"})
    shown = house.signed_in("operator@district.example").get("/announce").text
    for words in ("12 · <bdi>Đơn vị commune</bdi> · 1/2", "14 · <bdi>Đơn vị other</bdi> · 1/1", "11 · 3 xã"):
        assert words in shown


def test_every_page_links_to_broadcast_now_for_accounts_with_the_right(house: House) -> None:
    for email, expected in ((OPERATOR, 1), (EDITOR, 1), ("approver@x.example", 0), ("viewer@x.example", 0)):
        for page in ("/", "/speakers", "/account"):
            assert house.signed_in(email).get(page).text.count('href="/announce"') == expected


def test_drafts_are_forgotten_after_a_day_with_their_sounds(house: House) -> None:
    browser = house.signed_in(OPERATOR)
    path = prepared(browser)
    browser.client.get(f"{path}/sound")
    with house.database.session() as session:
        broadcast_drafts.forget(session, now() + datetime.timedelta(hours=23))
        assert unnamed(session) == []
        broadcast_drafts.forget(session, now() + datetime.timedelta(hours=25))
        assert len(unnamed(session)) == 1
    assert browser.get(path).status_code == 404
