"""The page of a case: who sees it, what it shows, notes, corrections, assignment, duplicates."""

import io
import re
from pathlib import Path

from admin.cases.conversation import mark_of_transcript
from feedback.cases.case_lifecycle import find_case
from feedback.models import Attachment, CaseLink, Category, Department, Message
from haichieu.media import MediaStore
from haichieu.people import Account
from tests.builders.accounts import EDITOR, OPERATOR, VIEWER
from tests.builders.cases import NUMBER, spoken, written
from tests.builders.house import House

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def test_a_case_is_taken_by_the_one_who_reads_it(house: House, tmp_path: Path) -> None:
    number = written(house, tmp_path)
    page, browser = f"/cases/{number}", house.signed_in(OPERATOR)
    form = browser.get(page).text.partition('aria-keyshortcuts="g"')[0]
    taken = browser.post(f"{page}/assign", page=page, account=re.findall(r'name="account" value="(\d+)"', form)[-1])
    assert taken.status_code == 303
    assert 'aria-keyshortcuts="g"' not in browser.get(page).text
    assert f"case-{number}" in browser.get("/cases?tab=mine").text


def test_closing_looks_routine_and_leads_on(house: House, tmp_path: Path) -> None:
    first, second = written(house, tmp_path), written(house, tmp_path)
    browser = house.signed_in(OPERATOR)
    button = re.search(r'<button class="([^"]+)" aria-keyshortcuts="c">', browser.get(f"/cases/{first}").text)
    assert button
    assert "danger" not in button[1]
    assert browser.post(f"/cases/{first}/close", page="/account").location == f"/cases/{second}"
    assert browser.post(f"/cases/{first}/burn", page="/account").status_code == 404
    assert browser.get(f"/cases/{first}/burn").status_code == 404


def test_duplicates_are_explained_in_the_words_of_the_case(house: House, tmp_path: Path) -> None:
    one = written(house, tmp_path, "Cầu treo ở xóm Nà Lùng bị hỏng")
    other = written(house, tmp_path, "bao gio sua cau treo o xom na lung")
    with house.database.session() as session:
        ids = [find_case(session, number).id for number in (one, other)]
        session.add(CaseLink(case_id=ids[0], other_id=ids[1], score=0.8))
    browser = house.signed_in(OPERATOR)
    assert '<q dir="auto">Cầu treo ở xóm Nà Lùng</q>' in browser.get(f"/cases/{one}").text
    assert '<q dir="auto">cau treo o xom na lung</q>' in browser.get(f"/cases/{other}").text


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
        "transcribe",
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
    assert number[:4] in house.signed_in(EDITOR).get("/cases?tab=mine").text


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
            session.add(CaseLink(case_id=ids[first], other_id=ids[other], score=0.8))
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
