"""The endpoint at which a number is reached."""

import pytest

from dialplans.numbering import NotDialled, NoWayOut, OutgoingCalls, legs_to, text_address
from haichieu.alarms import open_alarms
from haichieu.ari.dialling import Leg
from haichieu.database import Database
from haichieu.outgoing import LimitReached, NumberRefused, OutgoingRule, Use
from haichieu.sip.models import Phone, Trunk

OFFICIAL, STRANGER = "+84912000001", "+84912000009"
OURS = "02063888222"


def trunk(code: str, *, outbound: bool) -> Trunk:
    """A carrier that wants national numbers."""
    return Trunk(code=code, host="192.0.2.1", port=5060, outbound=outbound, prefix_rules=[["+84", "0"]])


def test_station_phone_is_called_directly(database: Database) -> None:
    with database.session() as session:
        desk = Phone(code="desk", name="Bàn trực", password_locked="", caller_number=OFFICIAL)
        session.add_all([desk, trunk("out", outbound=True)])
        session.flush()
        assert legs_to(session, OFFICIAL, OURS) == (Leg("PJSIP/desk", OURS),)


def test_other_numbers_use_the_outgoing_trunks_in_their_order(database: Database) -> None:
    with database.session() as session:
        session.add_all([trunk("in-only", outbound=False), trunk("out", outbound=True), trunk("spare", outbound=True)])
        session.flush()
        legs = legs_to(session, STRANGER, OURS)
        assert [leg.endpoint for leg in legs] == [
            "PJSIP/out/sip:0912000009@192.0.2.1:5060", "PJSIP/spare/sip:0912000009@192.0.2.1:5060",
        ]  # fmt: skip


@pytest.mark.parametrize(("proxy", "hosts"), [("", ["192.0.2.1:5060", "192.0.2.2:5080"]), ("sbc", ["192.0.2.1:5060"])])
def test_every_address_of_a_carrier_is_a_leg_unless_a_proxy_chooses(
    database: Database, proxy: str, hosts: list[str]
) -> None:
    with database.session() as session:
        carrier = trunk("out", outbound=True)
        carrier.hosts, carrier.proxy = ["192.0.2.2:5080", "198.51.100.0/24"], proxy
        session.add(carrier)
        session.flush()
        legs = legs_to(session, STRANGER, OURS)
        assert [leg.endpoint for leg in legs] == [f"PJSIP/out/sip:0912000009@{host}" for host in hosts]


@pytest.mark.parametrize(
    "number", ["carrier2%2Fsip", '"', "0912345678@carrier", "+84912000009/x", "+84912000009\n", ""]
)
def test_only_digits_get_into_a_dial_string(database: Database, number: str) -> None:
    with database.session() as session:
        gateway = trunk("out", outbound=True)
        gateway.texts = True
        session.add(gateway)
        session.flush()
        with pytest.raises(NotDialled):
            legs_to(session, number, OURS)
        assert text_address(session, number) is None


@pytest.mark.asyncio
async def test_calls_of_one_kind_obey_the_rule_for_outgoing_numbers(database: Database) -> None:
    with database.session() as session:
        session.add(trunk("out", outbound=True))
    call = OutgoingCalls(
        database, OutgoingRule(frozenset({"VN"}), dict.fromkeys(Use, 1)), Use.ANSWER_CALLS, lambda _: OURS
    )
    with pytest.raises(NumberRefused):
        await call("+841900545454")
    assert [leg.endpoint for leg in await call(STRANGER)] == ["PJSIP/out/sip:0912000009@192.0.2.1:5060"]
    with pytest.raises(LimitReached):
        await call(STRANGER)
    with database.session() as session:
        assert {alarm.kind for alarm in open_alarms(session)} == {"outgoing_refused", "outgoing_limit"}


def test_refusal_without_a_trunk_says_what_to_add(database: Database) -> None:
    with database.session() as session:
        session.add(trunk("in-only", outbound=False))
        session.flush()
        with pytest.raises(NoWayOut, match=r"\[\[trunks\]\]"):
            legs_to(session, STRANGER, OURS)
