"""The API as a program uses it: broadcasts with their proof, cases and answers, and errors that say what is wrong."""

import datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from broadcast_bridge.broadcasts.starting import begin
from broadcast_bridge.broadcasts.states import DeliveryState, Priority
from broadcast_bridge.models import Broadcast, Delivery, Speaker, Zone
from broadcast_bridge.schedule.models import Occurrence, Schedule
from broadcast_bridge.schedule.states import What
from feedback.cases import case_search, merging
from feedback.cases.case_lifecycle import Opening, Said, open_case
from feedback.citizens.registry import open_citizens
from feedback.models import Category, Department, Reply, Transcript
from feedback.states import Channel, Direction
from haichieu.account_rights import account_of
from haichieu.database import now
from haichieu.jobs import Job
from haichieu.locale import LANGUAGES, render_key
from tests.builders.broadcasts import aired
from tests.builders.cases import agreed
from tests.builders.house import House
from tests.builders.programmes import programme

Header = dict[str, str]


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.app.test_client()


@pytest.fixture
def operator(house: House) -> Header:
    return house.token("operator@x.example")


def test_a_text_is_planned_shown_listed_and_stopped(house: House, client: FlaskClient, operator: Header) -> None:
    at = (now() + datetime.timedelta(hours=2)).isoformat()
    made = client.post(
        "/api/v1/broadcasts", headers=operator, json={"zones": ["12"], "text": "Mời họp thôn.", "at": at}
    )
    assert made.status_code == 201, made.text
    assert made.json is not None
    number = made.json["id"]
    assert made.headers["Location"] == f"/api/v1/broadcasts/{number}"
    assert (made.json["state"], made.json["zones"], made.json["title"]) == ("planned", ["12"], "Mời họp thôn.")
    shown = client.get(f"/api/v1/broadcasts/{number}", headers=operator).json
    assert shown is not None
    assert (shown["deliveries"], shown["asked_by"]) == ([], "account:operator@x.example")
    listed = client.get("/api/v1/broadcasts", headers=operator).json
    assert listed is not None
    assert [one["id"] for one in listed["items"]] == [number]
    stopped = client.post(f"/api/v1/broadcasts/{number}/stop", headers=operator).json
    assert stopped == {"id": number, "state": "cancelled", "stop_asked": True, "called_off": 0}


def test_broadcast_that_is_over_is_called_off(house: House, client: FlaskClient, operator: Header) -> None:
    with house.database.session() as session:
        until = now() + datetime.timedelta(hours=1)
        states = {"loa-commune": "played", "loa-village": "missed"}
        number = aired(session, states, worth_hearing_until=until).id
    for called_off in (1, 0):
        stopped = client.post(f"/api/v1/broadcasts/{number}/stop", headers=operator).json
        assert stopped == {"id": number, "state": "ended", "stop_asked": True, "called_off": called_off}
    shown = client.get(f"/api/v1/broadcasts/{number}", headers=operator).json
    assert shown is not None
    reasons = {one["speaker"]: one["called_off"] for one in shown["deliveries"]}
    assert reasons == {"loa-commune": None, "loa-village": "được dừng theo lệnh"}


def test_broadcast_has_a_delivery_per_speaker(house: House, client: FlaskClient, operator: Header) -> None:
    made = client.post("/api/v1/broadcasts", headers=operator, json={"zones": ["12"], "text": "Thử loa"}).json
    assert made is not None
    with house.database.session() as session:
        begin(session, made["id"], "main", now())
        delivery = session.query(Delivery).join(Speaker).filter(Speaker.code == "loa-commune").one()
        delivery.state, delivery.seconds, delivery.active = DeliveryState.PLAYED, 12.5, False
        delivery.first_audio_at, delivery.packets_sent, delivery.packets_lost = now(), 1000, 5
    shown = client.get(f"/api/v1/broadcasts/{made['id']}", headers=operator).json
    assert shown is not None
    proof = {one["speaker"]: one for one in shown["deliveries"]}
    assert (proof["loa-commune"]["state"], proof["loa-commune"]["seconds"]) == ("played", 12.5)
    assert (proof["loa-commune"]["loss"], proof["loa-commune"]["heard"]) == (0.005, True)
    report = client.get("/api/v1/reports/broadcasts", headers=operator).json
    assert report is not None
    rows = {row["unit"]: row for row in report["items"]}
    assert (rows["COMMUNE"]["heard"], rows["COMMUNE"]["minutes"]) == (1, 0.2)
    assert (rows["VILLAGE"]["heard"], rows["VILLAGE"]["deliveries"]) == (0, 1)


def test_what_a_speaker_never_reported_is_null(house: House, client: FlaskClient, operator: Header) -> None:
    with house.database.session() as session:
        number = aired(session, {"loa-commune": "played", "loa-village": "missed"}).id
        for delivery in session.query(Delivery):
            delivery.packets_lost = delivery.jitter_ms = None
    shown = client.get(f"/api/v1/broadcasts/{number}", headers=operator).json
    assert shown is not None
    told = {one["speaker"]: (one["heard"], one["loss"], one["jitter_ms"]) for one in shown["deliveries"]}
    assert told == {"loa-commune": (None, None, None), "loa-village": (False, None, None)}
    report = client.get("/api/v1/reports/broadcasts", headers=operator).json
    assert report is not None
    assert sum(row["unconfirmed"] for row in report["items"]) == 1


def test_an_editor_airs_what_was_approved_and_says_nothing_of_their_own(house: House, client: FlaskClient) -> None:
    editor = house.token("editor@x.example")
    text = client.post("/api/v1/broadcasts", headers=editor, json={"zones": ["12"], "text": "Tin chưa ai duyệt"})
    assert text.status_code == 403
    with house.database.session() as session:
        number = programme(session, unit_id=house.units["commune"]).id
    draft = client.post("/api/v1/broadcasts", headers=editor, json={"zones": ["12"], "programme": number})
    assert (draft.status_code, draft.json and "chưa được duyệt" in draft.json["detail"]) == (409, True)


def test_draft_of_another_unit_is_no_programme_at_all(house: House, client: FlaskClient) -> None:
    with house.database.session() as session:
        number = programme(session, "Bản thảo kín", unit_id=house.units["other"]).id
    wish = {"zones": ["12"], "programme": number}
    refused, unknown = (
        client.post("/api/v1/broadcasts", headers=house.token("operator@x.example"), json={**wish, "programme": one})
        for one in (number, 10**6)
    )
    assert (refused.status_code, unknown.status_code) == (409, 409)
    assert refused.json["detail"] == unknown.json["detail"].replace(str(10**6), str(number))
    page = house.signed_in("editor@x.example").get(f"/calendar/schedules/0/edit?programme={number}")
    assert (page.status_code, "Bản thảo kín" in page.text) == (200, False)


def test_an_emergency_sounds_the_siren(house: House, client: FlaskClient, operator: Header) -> None:
    wish = {"zones": ["12"], "text": "Lũ về", "priority": "emergency"}
    assert client.post("/api/v1/broadcasts", headers=operator, json=wish).status_code == 201
    with house.database.session() as session:
        sounding = session.query(Broadcast).one()
        assert (sounding.priority, sounding.siren) == (Priority.EMERGENCY, True)


def test_a_list_comes_in_pages(house: House, client: FlaskClient, operator: Header) -> None:
    with house.database.session() as session:
        for _ in range(5):
            first = Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
            open_case(session, Opening(Channel.TEXT, house.units["commune"], "number"), first, now())
    seen, before = [], None
    while True:
        query = {"limit": 2} if before is None else {"limit": 2, "before": before}
        answer = client.get("/api/v1/cases", headers=operator, query_string=query).json
        assert answer is not None
        seen += [one["number"] for one in answer["items"]]
        before = answer["next"]
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 5


def test_cases_are_filtered_as_on_their_page(house: House, client: FlaskClient, operator: Header) -> None:
    numbers = {}
    with house.database.session() as session:
        works = Department(code="kt", name="Phòng Kinh tế")
        roads = Category(code="1", name="Hạ tầng", department=works, answer_within_days=5)
        session.add(roads)
        for unit, words in (("commune", "Cầu hỏng"), ("village", "Mất điện"), ("other", "Cầu gãy")):
            about = Opening(Channel.TEXT, house.units[unit], "number", category=roads if unit == "village" else None)
            made = open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", words), now())
            case_search.index(session, made)
            numbers[unit] = made.number
    for asked, found in (
        ({}, {"commune", "village"}), ({"text": "cau"}, {"commune"}), ({"text": "cầu hỏng"}, {"commune"}),
        ({"unit": "COMMUNE"}, {"commune", "village"}), ({"unit": "VILLAGE"}, {"village"}), ({"unit": "OTHER"}, set()),
        ({"unit": "' OR 1=1"}, set()), ({"category": "1"}, {"village"}), ({"category": "9"}, set()),
        ({"channel": "call"}, set()), ({"channel": "text", "text": "dien"}, {"village"}), ({"overdue": "true"}, set()),
    ):  # fmt: skip
        answer = client.get("/api/v1/cases", headers=operator, query_string=asked).json
        assert answer is not None
        assert {one["number"] for one in answer["items"]} == {numbers[unit] for unit in found}, asked


def test_a_case_is_read_and_answered(house: House, client: FlaskClient, operator: Header, tmp_path) -> None:  # type: ignore[no-untyped-def]
    with house.database.session() as session:
        citizen = open_citizens(tmp_path).meet(session, "+84912000111", now())
        first = Said(Direction.IN, Channel.CALL, "citizen", "")
        about = Opening(Channel.CALL, house.units["commune"], "number", citizen)
        case = open_case(session, about, first, now())
        session.add(
            Transcript(
                message_id=case.messages[0].id, text="Cầu treo hỏng", original_text="Cầu treo hỏng", engine="x",
                model="y", language="vi", confidence=0.9, doubtful=False, words=[], made_at=now(),
            )
        )  # fmt: skip
    shown = client.get(f"/api/v1/cases/{case.number[:4]}-{case.number[4:]}", headers=operator)
    assert shown.json is not None
    assert shown.json["messages"][0]["transcript"]["text"] == "Cầu treo hỏng"
    assert "912000111" not in shown.text
    made = client.post(
        f"/api/v1/cases/{case.number}/answers", headers=operator, json={"text": "Đã sửa xong.", "by": ["text", "call"]}
    )
    assert made.status_code == 201, made.text
    assert made.json is not None
    assert [reply["way"] for reply in made.json["replies"]] == ["text", "call"]
    again = client.get(f"/api/v1/cases/{case.number}", headers=operator).json
    assert again is not None
    assert (again["status"], again["messages"][1]["author"]) == ("answered", "account:operator@x.example")
    with house.database.session() as session:
        assert session.query(Reply).count() == 2
        assert session.query(Job).filter(Job.kind.in_(["send-text", "answer-call"])).count() == 2
    assert client.get("/api/v1/cases?status=answered", headers=operator).json["items"][0]["number"] == case.number  # type: ignore[index]


def test_an_answer_is_given_to_the_citizens_of_merged_cases_too(
    house: House, client: FlaskClient, operator: Header, tmp_path: Path
) -> None:
    with house.database.session() as session:
        book, first = open_citizens(tmp_path), Said(Direction.IN, Channel.TEXT, "citizen", "Cầu hỏng")
        main, merged = (
            open_case(session, Opening(Channel.TEXT, house.units["commune"], "number", citizen), first, now())
            for citizen in (book.meet(session, "+84912000111", now()), book.meet(session, "+84912000112", now()))
        )
        agreed(session, main)
        merging.merge(session, merged, main, "account:operator@x.example", now())
    wish = {"text": "Đã sửa xong.", "by": ["text", "air"]}
    assert client.post(f"/api/v1/cases/{main.number}/answers", headers=operator, json=wish).status_code == 201
    for case, ways in ((main, ["text", "air"]), (merged, ["text"])):
        shown = client.get(f"/api/v1/cases/{case.number}", headers=operator).json
        assert shown is not None
        assert (shown["status"], shown["messages"][1]["text"]) == ("answered", "Đã sửa xong.")
        assert [reply["way"] for reply in shown["messages"][1]["replies"]] == ways


@pytest.mark.parametrize(
    ("path", "body", "status", "where"),
    [
        ("/api/v1/broadcasts", {"zones": ["12"]}, 422, ""),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a", "programme": 1}, 422, ""),
        ("/api/v1/broadcasts", {"zones": [], "text": "a"}, 422, "zones"),
        ("/api/v1/broadcasts", {"zones": ["99"], "text": "a"}, 409, None),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a\u0000b"}, 422, "text"),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a", "at": "2026-01-01T10:00:00"}, 422, "at"),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a", "priority": "urgent"}, 422, "priority"),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a", "colour": "red"}, 422, "colour"),
        ("/api/v1/broadcasts", {"zones": ["12"], "programme": 4711}, 409, None),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "a", "at": 0}, 422, "at"),
        ("/api/v1/broadcasts", {"zones": ["12"], "text": "  "}, 409, None),
        ("/api/v1/cases/12345678/answers", {"text": "a", "by": ["air"]}, 404, None),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong_and_where(
    client: FlaskClient, operator: Header, path: str, body: dict[str, object], status: int, where: str | None
) -> None:
    answer = client.post(path, headers=operator, json=body)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json is not None
    assert answer.json["status"] == status
    assert answer.json["detail"]
    if where is not None:
        assert [error["where"] for error in answer.json["errors"]] == [where]


@pytest.mark.parametrize(
    ("of_account", "asked_for", "answered_in"),
    [
        ("vi", "en", "en"),
        ("en", "vi", "vi"),
        ("en", None, "en"),
        ("vi", None, "vi"),
        ("en", "fr", "en"),
        ("en", "*", "en"),
        ("vi", "fr, *;q=0.5", "vi"),
        ("vi", "*, en;q=0.1", "en"),
    ],
)
def test_problems_are_in_the_language_of_the_client(
    house: House, client: FlaskClient, operator: Header, of_account: str, asked_for: str | None, answered_in: str
) -> None:
    with house.database.session() as session:
        account_of(session, "operator@x.example").language = of_account
    header = {**operator, **({"Accept-Language": asked_for} if asked_for else {})}
    missing = client.get("/api/v1/broadcasts/4711", headers=header).json
    assert missing is not None
    assert missing["detail"] == render_key(answered_in, "panel.log.no_such", {"number": 4711})
    body = {"zones": ["12"], "text": "a", "priority": "urgent", "at": 0}
    wrong = client.post("/api/v1/broadcasts", headers=header, json=body).json
    assert wrong is not None
    assert wrong["detail"] == render_key(answered_in, "api.wrong_shape", {})
    choices = "'normal', 'priority', 'emergency'"
    assert wrong["errors"] == [
        {"where": "priority", "problem": render_key(answered_in, "api.value.one_of", {"choices": choices})},
        {"where": "at", "problem": render_key(answered_in, "api.moment", {})},
    ]


def test_refusal_without_token_is_in_the_language_asked_for(client: FlaskClient) -> None:
    for language in LANGUAGES:
        answer = client.get("/api/v1/speakers", headers={"Accept-Language": language}).json
        assert answer is not None
        assert answer["detail"] == render_key(language, "api.token_refused", {})


def test_unknown_paths_and_methods_are_refused_in_words_of_the_api(client: FlaskClient) -> None:
    for answer, key in (
        (client.get("/api/v1/nowhere"), "api.not_found"),
        (client.delete("/api/v1/broadcasts"), "api.method_not_allowed"),
        (client.get("/nowhere", headers={"Accept": "application/problem+json"}), "panel.error.lost"),
    ):
        assert answer.json is not None
        assert answer.json["detail"] == render_key("vi", key, {})


def test_body_that_is_not_json_is_refused(client: FlaskClient, operator: Header) -> None:
    path = "/api/v1/broadcasts"
    assert client.post(path, headers=operator, data="{", content_type="application/json").status_code == 400
    assert client.post(path, headers=operator, data="a=b").status_code == 415
    assert client.delete(path, headers=operator).headers["Allow"]
    huge = client.post(path, headers=operator, data=b" " * 2_000_000, content_type="application/json")
    assert (huge.status_code, huge.content_type) == (413, "application/problem+json")


def test_wrong_tokens_are_all_refused_alike(client: FlaskClient) -> None:
    for header in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer hc_x"}, {"Authorization": "Basic eA=="}):
        answer = client.get("/api/v1/speakers", headers=header)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_a_schedule_is_described_in_words_with_its_next_time(
    house: House, client: FlaskClient, operator: Header
) -> None:
    with house.database.session() as session:
        made = programme(session)
        starts = datetime.datetime(2026, 1, 5, 17, 0)
        zone = session.query(Zone).filter_by(code="12").one()
        for unit in ("commune", "other"):
            session.add(
                Schedule(
                    uid=unit, title="Bản tin chiều", unit_id=house.units[unit], what=What.PROGRAMME, programme=made,
                    starts=starts, timezone="Asia/Ho_Chi_Minh", rrule="FREQ=WEEKLY;BYDAY=MO", author="account:a@b",
                    created_at=now(), updated_at=now(), zones=[zone],
                )
            )  # fmt: skip
        session.flush()
        mine = session.query(Schedule).filter_by(uid="commune").one()
        hour = now() + datetime.timedelta(hours=1)
        session.add(Occurrence(schedule_id=mine.id, due_at=hour, prepare_at=hour, local_date=hour.date()))
    shown = client.get("/api/v1/schedules", headers=operator).json
    assert shown is not None
    (one,) = shown["items"]
    assert (one["unit"], one["zones"], one["recurrence"]) == ("COMMUNE", ["12"], "Thứ Hai hằng tuần lúc 17:00")
    assert datetime.datetime.fromisoformat(one["next"]) == hour


def test_metrics_are_for_a_token_too(house: House, client: FlaskClient, operator: Header) -> None:
    afar = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get("/metrics", environ_base=afar).status_code == 403
    assert client.get("/metrics", environ_base=afar, headers=operator).status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 403
