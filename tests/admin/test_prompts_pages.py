"""Prompts on pages: heard, read from another text, recorded, taken back; two people, bad files, no voice."""

import io
import re
import subprocess
import wave
from pathlib import Path

import pytest

from admin.prompts.samples import samples
from haichieu.database import now
from haichieu.media import Media
from haichieu.people import Official, OfficialPhone
from haichieu.speech.synthesis import EspeakSynthesiser
from haichieu.station import Station
from ivr.prompts import calls
from ivr.prompts.custom import CustomPrompt
from ivr.prompts.prompt_texts import PromptTexts
from ivr.prompts.station_prompts import station_prompts
from tests.builders.house import Browser, House

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
PAGE = "/prompts/vi/goodbye"
TEXTS = PromptTexts.delivered()


@pytest.fixture
def admin(house: House) -> Browser:
    with house.database.session() as session:
        session.add(Station(id=1, name="Thử", languages=["vi", "tay"]))
    return house.signed_in("admin@district.example")


def send(browser: Browser, page: str, body: bytes, name: str = "chao.mp3", edition: str = "") -> tuple[int, str]:
    headers = {"X-CSRFToken": browser.form_token("/account"), "Accept": "application/problem+json"}
    answer = browser.client.post(
        f"{page}/recording", query_string={"name": name, "edition": edition}, data=body,
        content_type="application/octet-stream", headers=headers,
    )  # fmt: skip
    return answer.status_code, answer.text


def edition_on(page: str) -> str:
    found = re.search(r'name="edition" value="([^"]*)"', page)
    assert found
    return found[1]


def a_sound(folder: Path, seconds: float = 1.0) -> bytes:
    file = folder / "sound.mp3"
    tone = f"sine=frequency=500:duration={seconds}"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", tone, file], check=True)
    return file.read_bytes()


def test_every_prompt_variable_has_an_example_to_hear() -> None:
    names = {name for language in TEXTS.languages for key in TEXTS.keys(language) for name in TEXTS.variables(key)}
    for language in ("vi", "en"):
        assert [name for name, value in samples(frozenset(names), language).items() if name == value] == []


@on_sqlite
def test_another_text_is_heard_first_then_kept_and_taken_back(house: House, admin: Browser) -> None:
    listed = admin.get("/prompts?q=tam+biet").text
    assert "Không có câu thoại nào phù hợp" in listed
    heard = admin.get(f"{PAGE}/sound")
    with wave.open(io.BytesIO(heard.data)) as sound:
        assert sound.getframerate() == 16000
    preview = admin.post(f"{PAGE}/preview", "/account", text="Tạm biệt bà con.")
    assert (preview.content_type, preview.data != heard.data) == ("audio/wav", True)
    assert admin.post(f"{PAGE}/text", PAGE, text="Tạm biệt bà con.", edition="").status_code == 303
    assert admin.get(f"{PAGE}/sound").data == preview.data
    shown = admin.get(PAGE).text
    assert "câu chữ riêng" in shown
    assert "Bản có sẵn" in shown
    assert PAGE in admin.get("/prompts?q=tam+biet&voice=own_text").text
    late = admin.post(f"{PAGE}/text", PAGE, text="Chào nhé.", edition="")
    assert (late.status_code, "Chào nhé." in late.text) == (409, True)
    assert "Người khác vừa sửa" in late.text
    with house.database.session() as session:
        assert session.query(CustomPrompt).one().text == "Tạm biệt bà con."
    assert admin.post(f"{PAGE}/text", PAGE, text="Chào nhé.", edition=edition_on(late.text)).status_code == 303
    assert admin.post(f"{PAGE}/built-in", PAGE).status_code == 422
    assert admin.post(f"{PAGE}/built-in", PAGE, sure="yes").status_code == 303
    assert admin.get(f"{PAGE}/sound").data == heard.data


@on_sqlite
def test_a_text_without_its_values_stays_in_the_form_with_what_is_wrong(admin: Browser) -> None:
    page = "/prompts/vi/unknown-zone"
    answer = admin.post(f"{page}/text", page, text="Không có <b>khu</b> nào.", edition="")
    assert answer.status_code == 422
    assert "Thiếu giá trị {code}" in answer.text
    assert "Không có &lt;b&gt;khu&lt;/b&gt; nào." in answer.text
    assert send(admin, page, b"")[0] == 409
    assert admin.post(f"{page}/preview", page, text="Không có khu {code:digits}.").status_code == 200


@on_sqlite
def test_a_recording_is_checked_converted_and_played(house: House, admin: Browser, tmp_path: Path) -> None:
    sound = a_sound(tmp_path)
    status, text = send(admin, PAGE, b"MZ not a sound", "../../x.exe")
    assert (status, "không phải tệp âm thanh" in text) == (409, True)
    assert send(admin, PAGE, a_sound(tmp_path, 301))[0] == 409
    assert send(admin, PAGE, sound, "recording.webm")[0] == 201
    page = admin.get(PAGE).text
    assert "Thu bằng trình duyệt" in page
    assert "bản thu riêng" in page
    assert send(admin, PAGE, sound)[0] == 409  # another user was first
    assert send(admin, PAGE, a_sound(tmp_path, 2), edition=edition_on(page))[0] == 201
    with house.database.session() as session:
        own = session.query(CustomPrompt).one()
        assert own.sound is not None
        assert own.sound.seconds == pytest.approx(2, abs=0.3)
        file = house.store.path(own.sound)
        assert session.query(Media).count() == 2
    with wave.open(io.BytesIO(admin.get(f"{PAGE}/sound").data)) as played:
        assert played.getnframes() / played.getframerate() == pytest.approx(2, abs=0.3)
    store = station_prompts(house.home, house.database, EspeakSynthesiser())
    assert store.sound("goodbye", "vi") == str(file.with_suffix("").absolute())
    file.unlink()
    file.with_suffix(".wav16").unlink()
    assert "Mất tệp âm thanh" in admin.get(PAGE).text
    assert "prompt_missing" not in admin.get("/").text
    assert "Mất tệp âm thanh của câu thoại goodbye" in admin.get("/").text


@on_sqlite
def test_a_language_that_nothing_reads_takes_recordings_alone(admin: Browser, tmp_path: Path) -> None:
    page = "/prompts/tay/goodbye"
    shown = admin.get(page).text
    assert "Đài không có giọng đọc" in shown
    assert "chưa có, nói tiếng Việt" in shown
    assert admin.post(f"{page}/text", page, text="Chào", edition="").status_code == 422
    assert send(admin, page, a_sound(tmp_path))[0] == 201
    assert "bản thu riêng" in admin.get("/prompts?language=tay&q=goodbye").text


@on_sqlite
def test_its_link_is_shown_to_accounts_above_every_unit(house: House, admin: Browser) -> None:
    for path in ("/prompts", "/audit"):
        assert f'href="{path}"' in admin.get("/numbers").text
        assert f'href="{path}"' not in house.signed_in("admin@x.example").get("/numbers").text


@on_sqlite
def test_what_is_no_prompt_is_no_page(admin: Browser) -> None:
    for path in (
        "/prompts/vi/khong-co",
        "/prompts/xx/goodbye",
        "/prompts/vi/..%2fgoodbye",
        "/prompts/vi/khong-co/sound",
    ):
        assert admin.get(path).status_code == 404, path
    pages = admin.get("/prompts").text
    following = re.search(r'href="(/prompts\?[^"]*after=[^"]+)"', pages)
    assert following
    assert admin.get(following[1].replace("&amp;", "&")).status_code == 200


@on_sqlite
def test_recording_by_phone_calls_known_numbers_only(house: House, admin: Browser) -> None:
    assert "Chưa có cán bộ nào" in admin.get(PAGE).text
    with house.database.session() as session:
        mai = Official(code="1002", name="Mai", pin_hash="x", unit_id=house.units["commune"])
        mai.phones = [OfficialPhone(number="+84912000002", position=0)]
        session.add(mai)
    assert admin.post(f"{PAGE}/call", PAGE, phone="+84977000111").status_code == 422
    assert admin.post("/prompts/vi/case-number/call", PAGE, phone="+84912000002").status_code == 422
    assert admin.post(f"{PAGE}/call", PAGE, phone="+84912000002").status_code == 303
    part = admin.get(PAGE, **{"HX-Request": "true"}).text
    assert "sắp gọi" in part
    assert "every 2s" in part
    with house.database.session() as session:
        (owed,) = calls.claim(session, now())
        assert (owed.numbers, owed.key, owed.asked_by) == (
            ("+84912000002",),
            "goodbye",
            "account:admin@district.example",
        )
        calls.settle(session, owed.id, "answered at +84•••002, hung up")
    part = admin.get(PAGE, **{"HX-Request": "true"}).text
    assert "chưa lưu bản nào" in part
    assert "every 2s" not in part
    assert admin.post(f"{PAGE}/call", PAGE, phone="+84912000002").status_code == 303
    with house.database.session() as session:
        assert calls.claim(session, now() + calls.VALID * 2) == []
        assert calls.next_due(session) is None
