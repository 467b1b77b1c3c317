"""The pages of cases: who sees which, filters in the address, exports, notes, duplicates."""

import csv
import io
import re
from pathlib import Path

from admin.cases.conversation import mark_of_transcript
from feedback.cases.case_lifecycle import find_case
from feedback.models import Attachment, CaseLink, Category, Department, Message
from haichieu.media import MediaStore
from haichieu.people import Account
from haichieu.spreadsheet_cells import harmless
from tests.builders.accounts import EDITOR, OPERATOR, VIEWER
from tests.builders.cases import NUMBER, index, spoken, written
from tests.builders.house import House

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_the_inbox_shows_ones_own_cases_and_filters_them_by_the_address(house: House, tmp_path: Path) -> None:
    bridge, other = written(house, tmp_path), written(house, tmp_path, "Cầu khác", unit="other")
    power = written(house, tmp_path, "Mất điện", unit="village")
    browser = house.signed_in(OPERATOR)
    everything = browser.get("/cases").text
    assert bridge[:4] in everything
    assert power[:4] in everything
    assert f"/cases/{other}" not in everything
    for address, shown in (
        ("?q=cau", {bridge}), ("?q=cầu treo", {bridge}), ("?q=dien", {power}), ("?unit=VILLAGE", {power}),
        ("?status=new", {bridge, power}), ("?status=closed", set()), ("?mine=yes", set()), ("?overdue=yes", set()),
        ("?channel=call", set()), ("?channel=text", {bridge, power}), ("?unit=OTHER", {bridge, power}),
        ("?status=' OR 1=1&after=x,y&category=9", {bridge, power}), (f"?q={'ê' * 10_000}", set()),
        ("?q=%00", {bridge, power}), ("?after=9999-99-99,1", {bridge, power}),
    ):  # fmt: skip
        index(house)
        page = browser.get(f"/cases{address}")
        assert page.status_code == 200
        assert set(re.findall(r'href="/cases/(\d{8})"', page.text)) == shown, address


def test_pages_follow_one_another_and_keep_the_filter(house: House, tmp_path: Path) -> None:
    numbers = [written(house, tmp_path, unit="village") for _ in range(51)]
    browser = house.signed_in(OPERATOR)
    first = browser.get("/cases?unit=VILLAGE").text
    older = re.search(r'data-older href="([^"]+)"', first)
    assert older
    assert "unit=VILLAGE" in older[1]
    second = browser.get(older[1].replace("&amp;", "&")).text
    seen = [re.findall(r'href="/cases/(\d{8})"', page) for page in (first, second)]
    assert [len(page) for page in seen] == [50, 1]
    assert {number for page in seen for number in page} == set(numbers)
    assert "data-older" not in second


def test_roles_limit_reading_and_answering_cases(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    assert house.signed_in(VIEWER).get(f"/cases/{number}").status_code == 403
    assert "/cases" not in house.signed_in(VIEWER).get("/").text
    reader = house.signed_in("approver@x.example")
    assert reader.get(f"/cases/{number}").status_code == 200
    assert "/answer" not in reader.get(f"/cases/{number}").text
    for ending in (
        "answer",
        "answer/spoken",
        "assign",
        "notes",
        "transcript",
        "transcript/again",
        "close",
        "reopen",
        "merge",
    ):
        assert reader.post(f"/cases/{number}/{ending}", page="/account").status_code == 403, ending
        elsewhere = written(house, tmp_path, unit="other")
        assert house.signed_in(OPERATOR).post(f"/cases/{elsewhere}/{ending}", page="/account").status_code == 404
    for wrong in ("12345678", "abc", "0"):
        assert house.signed_in(OPERATOR).get(f"/cases/{wrong}").status_code == 404


def test_numbers_are_masked_by_role(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    assert NUMBER in house.signed_in(OPERATOR).get(f"/cases/{number}").text
    masked = house.signed_in(EDITOR).get(f"/cases/{number}").text
    assert NUMBER not in masked
    assert "•678" in masked


def test_what_citizens_send_is_shown_and_never_run(house: House, tmp_path: Path, store: MediaStore) -> None:
    number = written(house, tmp_path, HOSTILE)
    call, message_id, _ = spoken(house, store, HOSTILE)
    with house.database.session() as session:
        file = store.folder / "x.png"
        file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 20)
        media = store.add(session, store.put_original(file, ".png", 0.0))
        session.add(
            Attachment(message_id=message_id, media_id=media.id, name=HOSTILE + ".png", content_type="image/png")
        )
    browser = house.signed_in(OPERATOR)
    for path in ("/cases", f"/cases/{number}", f"/cases/{call}"):
        page = browser.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "&lt;script&gt;" in page
    files = re.findall(rf'href="(/cases/{call}/files/\d+)"', browser.get(f"/cases/{call}").text)
    saved = browser.get(files[0])
    assert saved.headers["Content-Disposition"].startswith("attachment;")
    assert saved.headers["X-Content-Type-Options"] == "nosniff"
    assert browser.get(files[0].replace(call, number)).status_code == 404


def test_the_export_contains_the_filtered_cases_and_no_formula(house: House, tmp_path: Path) -> None:
    with house.database.session() as session:
        works = Department(code="x", name="=cmd|' /C calc'!A1")
        session.add(Category(code="1", name="@SUM(1)", department=works, answer_within_days=5))
    number = written(house, tmp_path)
    written(house, tmp_path, unit="village")
    written(house, tmp_path, unit="other")
    browser = house.signed_in(EDITOR)
    browser.post(f"/cases/{number}/assign", page=f"/cases/{number}", category="1")
    answer = browser.get("/cases/export?unit=COMMUNE&category=1")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=phan-anh-")
    table = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["number"] for row in table] == [number]
    assert (table[0]["category"], table[0]["department"]) == ("'@SUM(1)", "'=cmd|' /C calc'!A1")
    assert NUMBER not in answer.text
    assert [harmless(cell) for cell in ("+1", "-1", "\tx", " =x", "＝x", "xã")] == [
        "'+1", "'-1", "'\tx", "' =x", "'＝x", "xã",
    ]  # fmt: skip


def test_a_second_correction_of_a_transcript_is_refused_and_not_lost(house: House, store: MediaStore) -> None:
    number, message_id, _ = spoken(house, store)
    page, first, second = f"/cases/{number}", house.signed_in(OPERATOR), house.signed_in(EDITOR)
    assert "cần nghe lại" in first.get(page).text
    with house.database.session() as session:
        mark = mark_of_transcript(session.get_one(Message, message_id))
    fields = {"message": str(message_id), "based_on": mark}
    assert first.post(f"{page}/transcript", page=page, transcript="cầu treo bị hỏng", **fields).status_code == 303
    answer = second.post(f"{page}/transcript", page=page, transcript="cầu tre", **fields)
    assert answer.status_code == 409
    assert "cầu treo bị hỏng" in answer.text
    assert "cầu tre</textarea>" in answer.text
    with house.database.session() as session:
        transcript = session.get_one(Message, message_id).transcript
        assert transcript is not None
        assert (transcript.text, transcript.original_text, transcript.doubtful) == (
            "cầu treo bị hỏng",
            "cầu treo hỏng",
            False,
        )
    assert "cần nghe lại" not in first.get(page).text
    other = house.signed_in(OPERATOR)
    foreign, _, _ = spoken(house, store, unit="village")
    assert other.post(f"/cases/{foreign}/transcript", page=page, transcript="x", **fields).status_code == 404


def test_assigning_changes_what_was_changed_in_the_form_alone(house: House, tmp_path: Path) -> None:
    with house.database.session() as session:
        works, welfare = Department(code="kt", name="Kinh tế"), Department(code="ld", name="Lao động")
        session.add_all([works, welfare, Category(code="1", name="Đường", department=works, answer_within_days=5)])
        editor = session.query(Account).filter_by(email=EDITOR).one().id
        stranger = session.query(Account).filter_by(email=VIEWER).one().id
    number = written(house, tmp_path)
    page, browser = f"/cases/{number}", house.signed_in(OPERATOR)
    empty = {"was_unit": "COMMUNE", "unit": "COMMUNE", "was_department": "", "was_account": "", "was_category": ""}
    assert browser.post(f"{page}/assign", page=page, **empty).status_code == 422
    assert browser.post(f"{page}/assign", page=page, **empty, category="1", account=str(editor)).status_code == 303
    late = {**empty, "department": "", "category": "", "unit": "VILLAGE", "account": ""}
    assert browser.post(f"{page}/assign", page=page, **late).status_code == 303
    with house.database.session() as session:
        case = find_case(session, number)
        assert (case.unit.code, case.department.code if case.department else "", case.assignee_id) == (
            "VILLAGE",
            "kt",
            editor,
        )
    assert browser.post(f"{page}/assign", page=page, account=str(stranger)).status_code == 422
    assert browser.post(f"{page}/assign", page=page, unit="OTHER").status_code == 403
    assert number[:4] in house.signed_in(EDITOR).get("/cases?mine=yes").text


def test_notes_bring_files_which_are_taken_for_what_they_are(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    page, browser = f"/cases/{number}", house.signed_in(OPERATOR)
    token = browser.form_token(page)

    def note(text: str, name: str, content: bytes) -> int:
        return browser.client.post(
            f"{page}/notes", data={"csrf_token": token, "note": text, "files": (io.BytesIO(content), name)},
            headers={"Accept": "text/html"},
        ).status_code  # fmt: skip

    assert note("Ảnh cầu", "../../cau.exe", b"\xff\xd8\xff" + b"0" * 2_000_000) == 303
    assert note("Trang", "x.jpg", b"<html>") == 422
    assert note("To quá", "x.jpg", b"\xff\xd8\xff" + b"0" * 26_000_000) == 413
    shown = browser.get(page).text
    assert "cau.jpg" in shown
    assert "Trang</p>" not in shown
    assert browser.post(f"{page}/notes", page=page, note=" ").status_code == 422


def test_duplicates_are_merged_taken_apart_or_dismissed(house: House, tmp_path: Path) -> None:
    first, second, third, far = (
        written(house, tmp_path, unit=unit) for unit in ("commune", "commune", "commune", "other")
    )
    with house.database.session() as session:
        ids = {number: find_case(session, number).id for number in (first, second, third, far)}
        for other in (second, third, far):
            session.add(CaseLink(case_id=ids[first], other_id=ids[other], score=0.8, because="words: cầu treo"))
    page, browser = f"/cases/{first}", house.signed_in(OPERATOR)
    shown = browser.get(page).text
    assert far not in shown
    assert f"Gộp vào {second[:4]} {second[4:]}" in shown
    assert browser.post(f"{page}/merge", page=page, what="differ", other=third).status_code == 303
    assert browser.post(f"{page}/merge", page=page, what="merge", other=far).status_code == 404
    assert browser.post(f"{page}/merge", page=page, what="merge", other=second).status_code == 303
    shown = browser.get(page).text
    assert f"Gộp vào {third[:4]} {third[4:]}" not in shown
    assert "Đã gộp vào phản ánh" in shown
    assert browser.post(f"{page}/merge", page=page, what="apart").status_code == 303
    assert browser.post(f"{page}/merge", page=page, what="burn", other=second).status_code == 422
    assert browser.post(f"{page}/close", page=page).status_code == 303
    assert browser.post(f"{page}/close", page=page).status_code == 409
    assert browser.post(f"{page}/reopen", page=page).status_code == 303


def test_a_sound_is_open_to_users_who_may_see_its_programme_or_case(house: House, store: MediaStore) -> None:
    _, _, sound = spoken(house, store)
    _, _, elsewhere = spoken(house, store, unit="other")
    browser = house.signed_in(OPERATOR)
    whole = browser.get(f"/sounds/{sound}")
    assert (whole.status_code, whole.content_type) == (200, "audio/wav")
    assert whole.headers["Cache-Control"] == "no-store"
    part = browser.get(f"/sounds/{sound}", Range="bytes=0-3")
    assert (part.status_code, part.data) == (206, b"RIFF")
    assert browser.get(f"/sounds/{sound}", Range="bytes=99999999-").status_code == 416
    for email, number in ((VIEWER, sound), (OPERATOR, elsewhere), (OPERATOR, 999), (OPERATOR, 2**40)):
        assert house.signed_in(email).get(f"/sounds/{number}").status_code == 404
    for path in ("/sounds/..%2f..%2fweb.key", "/sounds/-1", "/sounds/1.wav"):
        assert browser.get(path).status_code == 404
