"""Accounts as Asterisk takes them, and what it makes of them when calls come."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import pytest
import pytest_asyncio

from dialplans.accounts import (
    BadAccountName,
    DynamicObject,
    ha1,
    node_account,
    phone_account,
    speaker_account,
    trunk_account,
)
from dialplans.degraded import DegradedMode, DegradedSounds
from dialplans.registration import Registration
from haichieu.demo.softphone.controller import CallNotAnswered, SoftPhone
from tests.lone_asterisk import LoneAsterisk, lone_asterisk
from tests.on_disk import files_with

SECRET = "a-secret-nobody-guesses"
FAR_AWAY = "192.0.2.1"
"""Nobody is there (RFC 5737)."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def asterisk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LoneAsterisk]:
    long = DegradedSounds(**dict.fromkeys(DegradedSounds.__annotations__, "demo-congrats"))
    home = tmp_path_factory.mktemp("accounts")
    async with lone_asterisk(home, degraded=DegradedMode("", "", (), long)) as running:
        yield running


def phone(name: str, caller_number: str = "101") -> tuple[DynamicObject, ...]:
    return phone_account(name, ha1(name, SECRET), caller_number)


def test_ha1_is_the_digest_of_rfc_2617() -> None:
    # printf 'Mufasa:haichieu:Circle of Life' | md5sum
    assert ha1("Mufasa", "Circle of Life") == "8f4fb4bbef55e355eee76296ba9b76fd"


@pytest.mark.parametrize("name", ["", "-a", "a b", "a;b", "a\nb", "a/b", "../a", "ă", "a" * 41, "a,b", "a]"])
def test_unsafe_account_name_is_refused(name: str) -> None:
    for make in (
        lambda: speaker_account(name, "0" * 32, ["alaw"], 30),
        lambda: phone_account(name, "0" * 32, "101"),
        lambda: trunk_account(name, FAR_AWAY, 5060, register=False, username="", password=""),
    ):
        with pytest.raises(BadAccountName):
            make()


def test_nodes_prove_to_each_other_that_they_know_the_password() -> None:
    here, there = (
        {(item.object_type, item.id): item.fields for item in node_account(*names, "127.0.0.1:5060", SECRET)}
        for names in (("b", "a"), ("a", "b"))
    )
    shown = here["auth", "_node_b-out"]
    assert (shown["username"], shown["password"]) == ("_node_a", SECRET)
    expected = there["auth", "_node_a"]
    assert (expected["username"], expected["md5_cred"]) == ("_node_a", ha1("_node_a", SECRET))
    endpoint = here["endpoint", "_node_b"]
    assert (endpoint["from_user"], endpoint["auth"], endpoint["context"]) == ("_node_a", "_node_b", "from-node")


@pytest.mark.parametrize("number", ["", "1>\n", "10 1", '"x" <1>', "1,2"])
def test_caller_number_must_be_a_number(number: str) -> None:
    with pytest.raises(BadAccountName):
        phone_account("phone", "0" * 32, number)


def test_registering_account_contains_no_clear_password() -> None:
    for account in (speaker_account("s", ha1("s", SECRET), ["alaw"], 30), phone("p")):
        assert SECRET not in repr(account)


def test_account_behind_a_proxy_takes_its_path_and_registers_often() -> None:
    rules = Registration(60, through_proxy=True)
    for account in (
        speaker_account("s", "0" * 32, ["alaw"], 30, registration=rules),
        phone_account("p", "0" * 32, "101", registration=rules),
    ):
        (fields,) = [item.fields for item in account if item.object_type == "aor"]
        given = (fields["support_path"], fields["minimum_expiration"], fields["maximum_expiration"])
        assert given == ("yes", "30", "60")
        assert account[-1].fields["rewrite_contact"] == "no", "the proxy's address is not the device's"
    (fields,) = [item.fields for item in phone("p") if item.object_type == "aor"]
    assert (fields["support_path"], fields["maximum_expiration"]) == ("no", "3600"), "a device could name any path"


@pytest.mark.asyncio(loop_scope="session")
async def test_every_kind_of_account_is_added_and_removed(asterisk: LoneAsterisk) -> None:
    accounts = [
        speaker_account("taken-speaker", "0" * 32, ["alaw", "ulaw", "g722"], 30),
        phone("taken-phone"),
        trunk_account("taken-trunk", FAR_AWAY, 5060, register=True, username="me", password=SECRET),
    ]
    for account in accounts:
        await asterisk.put(account)
    assert {"taken-speaker", "taken-phone", "taken-trunk"} <= await known(asterisk)

    for item in (item for account in accounts for item in reversed(account)):
        await asterisk.ari("DELETE", f"/asterisk/config/dynamic/res_pjsip/{item.object_type}/{item.id}")
    assert not {"taken-speaker", "taken-phone", "taken-trunk"} & await known(asterisk)


@pytest.mark.asyncio(loop_scope="session")
async def test_phone_registers_only_with_its_password(asterisk: LoneAsterisk) -> None:
    await asterisk.put(phone("right"))
    async with SoftPhone(server=asterisk.server, id="right", password=SECRET) as right:
        await right.registered()
    async with SoftPhone(server=asterisk.server, id="right", password="guessed") as wrong:
        assert (await wrong.take("registered", "registration_failed", timeout=10))["event"] != "registered"


@pytest.mark.asyncio(loop_scope="session")
async def test_trunk_name_in_from_gives_no_access(asterisk: LoneAsterisk) -> None:
    await asterisk.put(trunk_account("carrier", FAR_AWAY, 5060, register=False, username="", password=""))
    async with SoftPhone(server=asterisk.server, caller_number="carrier") as stranger:
        await stranger.ready()
        with pytest.raises(CallNotAnswered) as refusal:
            await stranger.call("1900")
    assert refusal.value.code in (401, 403)


@pytest.mark.asyncio(loop_scope="session")
async def test_call_from_a_loudspeaker_is_refused(asterisk: LoneAsterisk) -> None:
    await asterisk.put(speaker_account("talker", ha1("talker", SECRET), ["alaw"], 30))
    async with SoftPhone(server=asterisk.server, id="talker", password=SECRET) as talker:
        await talker.registered()
        with pytest.raises(CallNotAnswered) as refusal:
            await talker.call("1900")
    assert refusal.value.code == 403


async def only_channel(asterisk: LoneAsterisk, call: Coroutine[Any, Any, object]) -> dict[str, Any]:
    """Call when the calls of former tests are over, and return the channel of this one."""

    async with asyncio.timeout(15):
        while await asterisk.channels():  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.02)
    await call
    (found,) = await asterisk.channels()
    return found


@pytest.mark.asyncio(loop_scope="session")
async def test_phone_call_is_identified_by_its_account(
    asterisk: LoneAsterisk,
) -> None:
    neighbour = trunk_account("neighbour", "127.0.0.1", 5999, register=False, username="", password="")
    await asterisk.put(neighbour)
    await asterisk.put(phone("beside", "0263101"))
    claim = {"P-Asserted-Identity": "<sip:0912000001@127.0.0.1>", "Remote-Party-ID": "<sip:0912000001@127.0.0.1>"}
    async with SoftPhone(server=asterisk.server, id="beside", password=SECRET) as beside:
        await beside.registered()
        channel = await only_channel(asterisk, beside.call("1900", headers=claim))
    for item in reversed(neighbour):
        await asterisk.ari("DELETE", f"/asterisk/config/dynamic/res_pjsip/{item.object_type}/{item.id}")

    assert channel["name"].startswith("PJSIP/beside-")
    assert channel["caller"]["number"] == "0263101"


@pytest.mark.asyncio(loop_scope="session")
async def test_trunk_call_carries_the_number_in_from(asterisk: LoneAsterisk) -> None:
    carrier = trunk_account("by-address", "127.0.0.1", 5999, register=False, username="", password="")
    await asterisk.put(carrier)
    async with SoftPhone(server=asterisk.server, caller_number="+84912000001") as caller:
        await caller.ready()
        channel = await only_channel(asterisk, caller.call("1900"))
    for item in reversed(carrier):
        await asterisk.ari("DELETE", f"/asterisk/config/dynamic/res_pjsip/{item.object_type}/{item.id}")

    assert channel["name"].startswith("PJSIP/by-address-")
    assert channel["caller"]["number"] == "+84912000001"


@pytest.mark.asyncio(loop_scope="session")
async def test_no_clear_password_of_a_phone_or_speaker_is_on_disk(asterisk: LoneAsterisk) -> None:
    await asterisk.put(phone("secretive"))
    async with SoftPhone(server=asterisk.server, id="secretive", password=SECRET) as secretive:
        await secretive.registered()
    assert files_with(asterisk.settings.home, "pjsip") != [], "the search finds what is there"
    assert files_with(asterisk.settings.home, SECRET) == []


async def known(asterisk: LoneAsterisk) -> set[str]:
    return {
        endpoint["resource"]
        for endpoint in await asterisk.ari("GET", "/endpoints")
        if endpoint["technology"] == "PJSIP"
    }
