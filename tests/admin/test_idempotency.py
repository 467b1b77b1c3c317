"""A request with a key that is sent again makes nothing twice, and gets the answer of the first."""

import datetime
import threading

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from admin.access.models import IdempotencyKey
from admin.api.api_operations import Api
from broadcast_bridge.models import Broadcast
from feedback.models import Message, Reply
from haichieu.database import now
from tests.builders.house import House
from tests.builders.in_unit import case
from tests.builders.programmes import approved
from tests.builders.sounds import sound_row

OPERATOR = "operator@x.example"
TEXT = {"zones": ["12"], "text": "Mời họp thôn."}
ANSWER = {"text": "Đã sửa xong.", "by": ["air"]}


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.app.test_client()


@pytest.fixture
def operator(house: House) -> dict[str, str]:
    return house.token(OPERATOR)


@pytest.fixture
def wish(house: House) -> dict[str, object]:
    """A request that needs no speech: a programme that is approved."""
    with house.database.session() as session:
        number = approved(session, sound_row(session), house.units["commune"]).id
    return {"zones": ["12"], "programme": number}


def count(house: House, kind: type) -> int:
    with house.database.session() as session:
        return session.query(kind).count()


def test_repeated_request_makes_one_broadcast(house: House, client: FlaskClient, operator: dict[str, str]) -> None:
    headers = {**operator, "Idempotency-Key": "a1"}
    first, again = (client.post("/api/v1/broadcasts", headers=headers, json=TEXT) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.json, again.headers["Location"]) == (first.json, first.headers["Location"])
    assert count(house, Broadcast) == 1


def test_other_key_and_no_key_make_another_broadcast(
    house: House, client: FlaskClient, operator: dict[str, str], wish: dict[str, object]
) -> None:
    for key in ({"Idempotency-Key": "a1"}, {"Idempotency-Key": "a2"}, {}, {}):
        assert client.post("/api/v1/broadcasts", headers={**operator, **key}, json=wish).status_code == 201
    assert count(house, Broadcast) == 4


def test_repeated_request_answers_case_once(house: House, client: FlaskClient, operator: dict[str, str]) -> None:
    path = f"/api/v1/cases/{case(house, 'commune')}/answers"
    headers = {**operator, "Idempotency-Key": "a1"}
    first, again = (client.post(path, headers=headers, json=ANSWER) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.json == first.json
    assert count(house, Reply) == 1


def test_key_belongs_to_one_body_account_and_path(
    house: House, client: FlaskClient, operator: dict[str, str], wish: dict[str, object]
) -> None:
    headers = {"Idempotency-Key": "a1"}
    number = case(house, "commune")
    assert client.post("/api/v1/broadcasts", headers={**operator, **headers}, json=wish).status_code == 201
    other = client.post("/api/v1/broadcasts", headers={**operator, **headers}, json={**wish, "priority": "priority"})
    assert (other.status_code, other.content_type) == (422, "application/problem+json")
    assert other.json is not None
    assert "nội dung khác" in other.json["detail"]
    admin = house.token("admin@x.example")
    assert client.post("/api/v1/broadcasts", headers={**admin, **headers}, json=wish).status_code == 201
    answered = client.post(f"/api/v1/cases/{number}/answers", headers={**operator, **headers}, json=ANSWER)
    assert answered.status_code == 201
    assert count(house, Broadcast) == 2


@pytest.mark.parametrize("key", ["", "a b", "x" * 256])
def test_invalid_key_is_refused(
    client: FlaskClient, operator: dict[str, str], wish: dict[str, object], key: str
) -> None:
    refused = client.post("/api/v1/broadcasts", headers={**operator, "Idempotency-Key": key}, json=wish)
    assert refused.status_code == 400


def test_refused_request_leaves_no_key(
    house: House, client: FlaskClient, operator: dict[str, str], wish: dict[str, object]
) -> None:
    headers = {**operator, "Idempotency-Key": "a1"}
    wrong = client.post("/api/v1/broadcasts", headers=headers, json={**wish, "zones": ["99"]})
    assert wrong.status_code in (403, 409), wrong.text
    assert count(house, IdempotencyKey) == 0
    assert client.post("/api/v1/broadcasts", headers=headers, json=wish).status_code == 201


def test_key_is_written_with_the_broadcast_or_not_at_all(
    house: House,
    client: FlaskClient,
    operator: dict[str, str],
    wish: dict[str, object],
) -> None:
    def refuse(*_: object) -> None:
        raise ZeroDivisionError

    headers = {**operator, "Idempotency-Key": "a1"}
    sa.event.listen(IdempotencyKey, "before_insert", refuse)
    try:
        failed = client.post("/api/v1/broadcasts", headers=headers, json=wish)
    finally:
        sa.event.remove(IdempotencyKey, "before_insert", refuse)
    assert (failed.status_code, count(house, Broadcast)) == (500, 0)


def test_keys_are_deleted_after_a_day(
    house: House, client: FlaskClient, operator: dict[str, str], wish: dict[str, object]
) -> None:
    headers = {**operator, "Idempotency-Key": "a1"}
    client.post("/api/v1/broadcasts", headers=headers, json=wish)
    with house.database.session() as session:
        session.query(IdempotencyKey).one().sent_at = now() - datetime.timedelta(days=1, minutes=1)
    client.post("/api/v1/broadcasts", headers={**operator, "Idempotency-Key": "a2"}, json=wish)
    assert count(house, IdempotencyKey) == 1
    assert client.post("/api/v1/broadcasts", headers=headers, json=wish).status_code == 201
    assert count(house, Broadcast) == 3


@pytest.mark.both_databases
def test_concurrent_requests_with_one_key_make_one_answer(house: House, operator: dict[str, str]) -> None:
    path, got = f"/api/v1/cases/{case(house, 'commune')}/answers", list[TestResponse]()
    start = threading.Barrier(4)
    before = count(house, Message)

    def send() -> None:
        client = house.app.test_client()
        start.wait()
        got.append(client.post(path, headers={**operator, "Idempotency-Key": "a1"}, json=ANSWER))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.status_code for one in got} == {201}, [one.text for one in got]
    assert len({one.json["id"] for one in got if one.json}) == 1
    assert (count(house, Reply), count(house, Message)) == (1, before + 1)


def test_every_operation_that_makes_something_takes_a_key(house: House) -> None:
    api: Api = house.app.extensions["haichieu_api"]
    assert [one.path for one in api.operations if (one.status == 201) != (one.show is not None)] == []
    document = house.app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    described = document["paths"]["/api/v1/broadcasts"]["post"]["parameters"]
    assert [one["name"] for one in described if one["in"] == "header"] == ["Idempotency-Key"]
