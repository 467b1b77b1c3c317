"""Programme pages: adding, submitting, approval by another user, airing in two steps, and refusals."""

import datetime

import pytest

from admin.web import LARGEST_FORM
from broadcast_bridge.models import Broadcast
from broadcast_bridge.programmes import approval, intake
from broadcast_bridge.programmes.models import Programme
from haichieu.audio.ingest import MOST_BYTES
from haichieu.audit import AuditEntry
from haichieu.database import now
from haichieu.people import Unit
from tests.builders.accounts import APPROVER, EDITOR
from tests.builders.house import PAGE, Browser, House
from tests.builders.programmes import drafted
from tests.builders.sounds import tone


def upload(browser: Browser, sound: bytes, headers: dict[str, str] | None = None, **said: object):  # type: ignore[no-untyped-def]
    token = browser.form_token("/account")
    sent = {"X-CSRFToken": token, "Accept": "application/problem+json", **(headers or {})}
    return browser.client.post(
        "/programmes/uploads", query_string=said, data=sound, headers=sent, content_type="application/octet-stream"
    )


def test_a_text_is_heard_written_submitted_approved_and_aired(house: House) -> None:
    editor, approver = house.signed_in(EDITOR), house.signed_in(APPROVER)
    heard = editor.post("/programmes/0/preview", text="Mời bà con đi tiêm phòng.", language="vi")
    assert (heard.status_code, heard.data[:4]) == (200, b"RIFF")
    about = {"title": "Tiêm <b>phòng</b>", "unit": house.units["commune"], "category": "Y tế", "language": "vi"}
    made = editor.post("/programmes/0/edit", text="Mời bà con đi tiêm phòng.", then="submit", **about)
    assert made.status_code == 303
    path = made.headers["Location"]
    assert "&lt;b&gt;" in editor.get(path).text
    assert "chờ duyệt" in editor.get("/programmes?q=tiem+phong&state=submitted&category=Y+tế&language=vi").text
    assert approver.post(f"{path}/approve").status_code == 303
    sound = editor.client.get(f"{path}/sound", headers={"Range": "bytes=0-99"})
    assert (sound.status_code, len(sound.data)) == (206, 100)
    preview = editor.post("/announce", zone="12", programme=path.rpartition("/")[2]).headers["Location"]
    mark = editor.get(preview).text.partition('name="confirmed" value="')[2][:64]
    assert editor.post(preview, confirmed=mark, then="now").status_code == 303
    with house.database.session() as session:
        assert [(one.title, one.zone_codes) for one in session.query(Broadcast)] == [("Tiêm <b>phòng</b>", ["12"])]


def test_a_file_is_taken_once_whatever_it_is_called(house: House) -> None:
    editor = house.signed_in(EDITOR)
    said = {"title": "Bài hát", "unit": house.units["commune"], "name": "../../etc/‮passwd\x00.wav"}
    song = tone(3.0, rate=192_000)
    assert len(song) > LARGEST_FORM
    made = upload(editor, song, **said)
    assert made.status_code == 201, made.text
    assert editor.get(made.json["page"]).status_code == 200
    again = upload(editor, song, **said)
    assert (again.status_code, again.json["page"]) == (409, made.json["page"])
    assert "Bài hát" in again.json["detail"]


@pytest.mark.parametrize(
    ("sound", "words"), [(b"#!/bin/sh\nrm -rf /\n" * 50, "không phải tệp âm thanh"), (tone(pitch=0), "không có tiếng")]
)
def test_what_cannot_be_played_is_refused_with_its_reason(house: House, sound: bytes, words: str) -> None:
    answer = upload(house.signed_in(EDITOR), sound, title="X", unit=house.units["commune"], name="x.mp3")
    assert (answer.status_code, words in answer.json["detail"]) == (409, True)
    with house.database.session() as session:
        assert session.query(Programme).count() == 0


def test_two_gigabytes_are_refused_before_they_come(house: House) -> None:
    editor = house.signed_in(EDITOR)
    answer = editor.client.post(
        f"/programmes/uploads?title=X&unit={house.units['commune']}",
        headers={"X-CSRFToken": editor.form_token("/account"), "Accept": "application/problem+json"},
        content_type="application/octet-stream",
        environ_overrides={"CONTENT_LENGTH": "2000000000"},
    )
    assert answer.json is not None
    assert answer.status_code == 413
    assert f"{MOST_BYTES // 1_000_000} MB" in answer.json["detail"]


def test_an_upload_for_another_unit_or_without_the_forms_token_is_refused(house: House) -> None:
    editor = house.signed_in(EDITOR)
    assert upload(editor, tone(), title="X", unit=house.units["other"]).status_code == 403
    assert upload(editor, tone(), {"X-CSRFToken": ""}, title="X", unit=house.units["commune"]).status_code == 400
    assert upload(house.signed_in("viewer@x.example"), tone(), title="X", unit=1).status_code == 403


def test_the_author_approves_only_where_the_unit_allows_it(house: House) -> None:
    number = drafted(house, state="submitted", author=f"account:{APPROVER}")
    approver = house.signed_in(APPROVER)
    assert "cần người khác duyệt" in approver.get(f"/programmes/{number}").text
    assert approver.post(f"/programmes/{number}/approve").status_code == 409
    with house.database.session() as session:
        session.get_one(Unit, house.units["commune"]).author_may_approve = True
    assert approver.post(f"/programmes/{number}/approve").status_code == 303
    assert house.signed_in(EDITOR).post(f"/programmes/{number}/approve").status_code == 403


def test_a_returned_programme_shows_the_reason_and_its_changes(house: House) -> None:
    number, approver, editor = drafted(house, state="submitted"), house.signed_in(APPROVER), house.signed_in(EDITOR)
    assert approver.post(f"/programmes/{number}/return", because=" ").status_code == 409
    approver.post(f"/programmes/{number}/return", because="Sai giờ <i>tiêm</i>")
    assert "Sai giờ &lt;i&gt;tiêm&lt;/i&gt;" in editor.get(f"/programmes/{number}").text
    with house.database.session() as session:
        one = session.get_one(Programme, number)
        one.state = "submitted"
        approval.approve(session, one, "account:a@b", now())
    edition = editor.get(f"/programmes/{number}/edit").text.partition('name="edition" value="')[2].partition('"')[0]
    fields = {"title": "Tiêm phòng chó", "category": "Thú y", "language": "vi", "text": "Mời bà con"}
    assert editor.post(f"/programmes/{number}/edit", edition=edition, **fields).status_code == 303
    page = approver.get(f"/programmes/{number}").text
    assert "<del" in page
    assert "Tiêm phòng chó</ins>" in page
    assert "Thú y</ins>" in page
    second = house.signed_in("admin@x.example").post(
        f"/programmes/{number}/edit", edition=edition, **{**fields, "title": "Của người thứ hai"}
    )
    assert second.status_code == 409
    assert "Của người thứ hai" in second.text
    assert "Tiêm phòng chó" in second.text


def test_another_text_brings_another_sound(house: House) -> None:
    editor = house.signed_in(EDITOR)
    made = editor.post("/programmes/0/edit", text="Một.", title="A", unit=house.units["commune"], language="vi")
    number = int(made.headers["Location"].rpartition("/")[2])
    with house.database.session() as session:
        one = session.get_one(Programme, number)
        before, edition = one.sound_id, one.updated_at.isoformat()
    changed = editor.post(
        f"/programmes/{number}/edit", edition=edition, title="A", category="", language="vi", text="Hai ba bốn."
    )
    assert changed.status_code == 303
    with house.database.session() as session:
        one = session.get_one(Programme, number)
        assert (one.text, one.sound_id != before, one.state) == ("Hai ba bốn.", True, "draft")
        assert session.query(AuditEntry).filter_by(subject=f"programme:{number}", action="programme.edit").count()


def test_withdrawing_is_asked_about(house: House) -> None:
    number, editor = drafted(house), house.signed_in(EDITOR)
    assert "Gỡ hẳn chương trình này?" in editor.get(f"/programmes/{number}").text
    assert editor.post(f"/programmes/{number}/withdraw").status_code == 303
    again = editor.post(f"/programmes/{number}/withdraw")
    assert (again.status_code, "khi chương trình ở trạng thái: đã gỡ" in again.text) == (409, True)


def test_lists_are_empty_long_and_of_ones_own_units(house: House) -> None:
    editor = house.signed_in(EDITOR)
    assert "Không có chương trình nào phù hợp." in editor.get("/programmes").text
    for count in range(52):
        drafted(house, "village", title=f"Bản tin {count}", created_at=now() + datetime.timedelta(seconds=count))
    other = drafted(house, "other", title="Của xã bên")
    first = editor.get("/programmes?q=moi&state=draft")
    assert "52 chương trình" in first.text
    assert "Của xã bên" not in first.text
    assert "page=1&amp;q=moi&amp;state=draft" in first.text
    assert "Bản tin 0<" in editor.get("/programmes?q=moi&state=draft&page=1").text
    for path in (f"/programmes/{other}", f"/programmes/{other}/sound", f"/programmes/{other}/edit"):
        assert editor.get(path).status_code == 403
    assert editor.get("/programmes/99999999999").status_code == 404
    assert editor.get("/programmes?page=-4&unit=x&state=zzz").status_code == 200


def test_names_of_any_length_and_kind_are_refused_or_shown(house: House) -> None:
    editor = house.signed_in(EDITOR)
    long = editor.post(
        "/programmes/0/edit", text="Một.", title="x" * 10_000, unit=house.units["commune"], language="vi"
    )
    assert (long.status_code, "1 đến 200 ký tự" in long.text) == (422, True)
    assert editor.post("/programmes/0/edit", text="Một.", title="X", unit="", language="vi").status_code == 422
    assert editor.get("/programmes/0/edit", **PAGE).status_code == 200
    assert intake.LONGEST_TEXT > 0
