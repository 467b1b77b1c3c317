"""Limits of the API: requests per token, and invalid tokens per client address."""

from collections.abc import Iterator

import pytest

from admin.access import rate_limits
from admin.access.gate import API_LIMITS
from admin.access.rate_limits import ApiLimits, Buckets, TooManyRequests
from tests.builders.house import House

SPEAKERS = "/api/v1/speakers"


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """A station whose API allows 20 requests and 3 invalid tokens per minute."""
    monkeypatch.setattr(rate_limits, "REQUESTS_PER_MINUTE", 20)
    monkeypatch.setattr(rate_limits, "BAD_TOKENS_PER_MINUTE", 3)
    found, before = Clock(), house.app.extensions[API_LIMITS]
    house.app.extensions[API_LIMITS] = ApiLimits(found)
    yield found
    house.app.extensions[API_LIMITS] = before


def test_token_that_sends_too_much_learns_when_to_come_back(house: House, clock: Clock) -> None:
    client, token = house.app.test_client(), house.token("viewer@x.example")
    assert {client.get(SPEAKERS, headers=token).status_code for _ in range(20)} == {200}
    refused = client.get(SPEAKERS, headers={**token, "Accept-Language": "en"})
    assert (refused.status_code, refused.content_type) == (429, "application/problem+json")
    assert refused.headers["Retry-After"] == "3"
    assert refused.json is not None
    assert refused.json["detail"] == "Too many requests: send this one again in 3 seconds."
    assert client.get(SPEAKERS, headers=house.token("operator@x.example")).status_code == 200
    clock.at += 3
    assert [client.get(SPEAKERS, headers=token).status_code for _ in range(2)] == [200, 429]


def test_a_change_costs_as_much_as_ten_reads(house: House, clock: Clock) -> None:
    client, token = house.app.test_client(), house.token("operator@x.example")
    stops = [client.post("/api/v1/broadcasts/1/stop", headers=token) for _ in range(3)]
    assert [one.status_code for one in stops] == [404, 404, 429]
    assert stops[-1].headers["Retry-After"] == "30"


def test_invalid_tokens_are_limited_per_address(house: House, clock: Clock) -> None:
    client, known, late = house.app.test_client(), house.token("viewer@x.example"), house.token("operator@x.example")
    assert client.get(SPEAKERS, headers=known).status_code == 200
    guesses = [client.get(SPEAKERS, headers={"Authorization": f"Bearer hc_{n}"}).status_code for n in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert client.get(SPEAKERS, headers=known).status_code == 200
    assert client.get(SPEAKERS, headers=late).status_code == 429
    elsewhere = client.get(SPEAKERS, headers=late, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    assert elsewhere.status_code == 200
    clock.at += 20
    assert client.get(SPEAKERS, headers={"Authorization": "Bearer hc_9"}).status_code == 401


def test_addresses_of_one_ipv6_network_count_together() -> None:
    limits = ApiLimits(Clock())
    for host in range(rate_limits.BAD_TOKENS_PER_MINUTE):
        limits.refused(f"2001:db8::{host:x}")
    with pytest.raises(TooManyRequests):
        limits.before_look_up("digest", "2001:db8::ffff")
    limits.before_look_up("digest", "2001:db8:0:1::1")


def test_buckets_of_many_names_take_no_more_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_BUCKETS", 2)
    buckets = Buckets(60, Clock())
    for name in ("a", "b", "a", "c"):
        buckets.take(name, 1)
    assert [name in buckets for name in "abc"] == [True, False, True]


def test_document_describes_the_limit(house: House) -> None:
    document = house.app.test_client().get("/api/v1/openapi.json").json
    assert document is not None
    for path in document["paths"].values():
        for operation in path.values():
            assert "Retry-After" in operation["responses"]["429"]["headers"]
