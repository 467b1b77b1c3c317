"""A form that is sent twice is done once, whatever it is about; another text, or one that was refused, is another."""

import datetime
import threading
from io import BytesIO
from typing import NoReturn

import pytest

from admin.access.models import SentForm
from admin.layout import sent_forms
from broadcast_bridge.models import Zone
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.models import Schedule
from feedback.cases.case_lifecycle import find_case
from feedback.models import Message
from haichieu.database import now
from haichieu.people import Account
from tests.admin.forms import forms_on
from tests.builders.accounts import PASSWORD
from tests.builders.days import local_day
from tests.builders.house import PAGE, Browser, House
from tests.builders.in_unit import case
from tests.builders.programmes import ready

OPERATOR = "operator@x.example"


def notes(house: House, number: str) -> list[str]:
    with house.database.session() as session:
        return [one.text for one in find_case(session, number).messages if one.direction == "note"]


def send(browser: Browser, path: str, name: str, **fields: object):  # type: ignore[no-untyped-def]
    sent = {"csrf_token": browser.form_token("/account"), "once": name, **fields}
    return browser.client.post(path, data=sent, headers=PAGE)


def test_the_same_note_is_kept_once_and_another_text_beside_it(house: House) -> None:
    number, browser = case(house, "commune"), house.signed_in(OPERATOR)
    path = f"/cases/{number}/notes"
    first = send(browser, path, "a", note="Đã gọi")
    again = send(browser, path, "a", note="Đã gọi")
    assert (first.status_code, again.status_code) == (303, 303)
    assert again.location == first.location
    assert "đài chỉ làm một lần" in browser.get(again.location).text
    assert notes(house, number) == ["Đã gọi"]
    send(browser, path, "a", note="Đã gọi lại")
    send(browser, path, "b", note="Đã gọi")
    send(house.signed_in("admin@x.example"), path, "a", note="Đã gọi")
    assert notes(house, number) == ["Đã gọi", "Đã gọi lại", "Đã gọi", "Đã gọi"]


def test_files_belong_to_what_was_sent(house: House) -> None:
    number, browser = case(house, "commune"), house.signed_in(OPERATOR)
    for content in (b"\x89PNG\r\n\x1a\n1", b"\x89PNG\r\n\x1a\n1", b"\x89PNG\r\n\x1a\n2"):
        send(browser, f"/cases/{number}/notes", "a", note="Ảnh", files=(BytesIO(content), "anh.png"))
    assert len(notes(house, number)) == 2


def test_what_was_refused_may_be_sent_again(house: House) -> None:
    number, browser = case(house, "commune"), house.signed_in(OPERATOR)
    for _ in range(2):
        assert send(browser, f"/cases/{number}/notes", "a", note="x" * 5001).status_code == 422
    with house.database.session() as session:
        assert session.query(SentForm).count() == 0


def test_a_double_click_is_one(house: House) -> None:
    """The second comes while the first is under way, and waits for where it leads."""
    number = case(house, "commune")
    browsers = [house.signed_in(OPERATOR) for _ in range(4)]
    tokens = [browser.form_token("/account") for browser in browsers]
    led_to: list[str | None] = []

    def click(browser: Browser, token: str) -> None:
        fields = {"csrf_token": token, "once": "a", "note": "Đã gọi"}
        led_to.append(browser.client.post(f"/cases/{number}/notes", data=fields, headers=PAGE).location)

    threads = [threading.Thread(target=click, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notes(house, number) == ["Đã gọi"]
    assert led_to == [f"/cases/{number}"] * 4 or len(set(led_to)) == 1


class Killed(BaseException):
    """The process ends here: nothing of the request runs any more."""


def kill(*_: object, **__: object) -> NoReturn:
    raise Killed


@pytest.mark.both_databases
def test_form_done_before_a_crash_is_not_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    number, browser = case(house, "commune"), house.signed_in(OPERATOR)
    path = f"/cases/{number}/notes"
    fields = {"csrf_token": browser.form_token("/account"), "once": "a", "note": "Đã gọi"}
    with monkeypatch.context() as patch:
        patch.setattr(house.app, "process_response", kill)
        with pytest.raises(Killed):
            browser.client.post(path, data=fields, headers=PAGE)
    assert notes(house, number) == ["Đã gọi"]
    monkeypatch.setattr(sent_forms, "WAIT_SECONDS", 0.0)
    for age in (datetime.timedelta(), sent_forms.GIVEN_UP_AFTER * 2):
        with house.database.session() as session:
            session.query(SentForm).one().sent_at = now() - age
        again = browser.client.post(path, data=fields, headers={**PAGE, "Referer": f"http://localhost/cases/{number}"})
        assert (again.status_code, again.location) == (303, f"/cases/{number}")
    assert "đài chỉ làm một lần" in browser.get(f"/cases/{number}").text
    assert notes(house, number) == ["Đã gọi"]


def test_form_that_a_crash_interrupted_is_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of the password has written, but is not what the form asks for."""
    browser = house.signed_in("admin@x.example")
    with house.database.session() as session:
        number = session.query(Account.id).filter_by(email=OPERATOR).scalar()
    token = browser.form_token("/account")
    form = {"name": "Tên mới", "email": OPERATOR, "role": "operator", "unit": "COMMUNE", "password": PASSWORD}
    mark = browser.get(f"/accounts/{number}/edit").text.split('name="began_with" value="')[1].split('"')[0]

    def change():  # type: ignore[no-untyped-def]
        sent = {"csrf_token": token, "once": "a", "began_with": mark, **form}
        return browser.client.post(f"/accounts/{number}/edit", data=sent, headers=PAGE)

    with monkeypatch.context() as patch:
        patch.setattr("admin.entries.entry_pages.take_form", kill)
        with pytest.raises(Killed):
            change()
    with house.database.session() as session:
        sent = session.query(SentForm).one()
        assert not sent.done
        sent.sent_at = now() - sent_forms.GIVEN_UP_AFTER * 2
    assert change().status_code == 303
    with house.database.session() as session:
        assert session.get_one(Account, number).name == "Tên mới"


def test_form_that_failed_after_its_effect_is_not_done_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    number, browser = case(house, "commune"), house.signed_in(OPERATOR)
    path = f"/cases/{number}/notes"
    monkeypatch.setattr("admin.cases.case_page.redirect", lambda *_: 1 / 0)
    assert [send(browser, path, "a", note="Đã gọi").status_code for _ in range(2)] == [500, 303]
    assert notes(house, number) == ["Đã gọi"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_answers_schedules_programmes_and_airings_are_not_doubled(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    number, programme = case(house, "commune"), ready(house)
    (answering,) = [one for one in forms_on(browser, f"/cases/{number}") if one.action.endswith("/answer")]
    answer = {**answering.fields, "answer": "Đã sửa", "way": "air", "step": "send"}
    (planning,) = [one for one in forms_on(browser, "/calendar/schedules/0/edit") if one.action.endswith("/0/edit")]
    with house.database.session() as session:
        zone = session.query(Zone).filter_by(code="12").one()
        planned = {
            **planning.fields, "title": "Lịch", "programme": str(programme),
            "day": f"{local_day(now()) + datetime.timedelta(days=1)}", "time": "06:00",
            "zones": str(zone.id), "zone": str(zone.id),
        }  # fmt: skip
        before = session.query(Schedule).count()
    written = {"title": "Bài", "unit": house.units["commune"], "text": "Mời bà con họp.", "language": "vi"}
    for path, fields in (
        (f"/cases/{number}/answer", answer),
        ("/calendar/schedules/0/edit", planned),
        ("/programmes/0/edit", written),
    ):
        sent = [
            browser.client.post(
                path, data={**fields, "csrf_token": browser.form_token("/account"), "once": "x"}, headers=PAGE
            )
            for _ in range(2)
        ]
        assert [one.status_code for one in sent] == [303, 303], (path, sent[0].status_code, sent[0].text[-2500:])
        assert sent[0].location == sent[1].location
    with house.database.session() as session:
        assert session.query(Message).filter_by(text="Đã sửa").count() == 1
        assert session.query(Schedule).count() == before + 1
        assert session.query(Programme).filter_by(title="Bài").count() == 1


def test_every_form_that_changes_something_has_a_name(house: House) -> None:
    browser = house.signed_in("admin@x.example")
    number = case(house, "commune")
    for page in ("/", "/account", f"/cases/{number}", "/speakers/0/edit", "/calendar/schedules/0/edit", "/emergency"):
        for form in forms_on(browser, page):
            assert form.fields.get("once"), (page, form.action)
