"""The endpoint at which a number is reached."""

import pytest

from dialplans.numbering import NoWayOut, endpoint_for
from haichieu.database import Database
from haichieu.sip.models import Phone, Trunk

OFFICIAL, STRANGER = "+84912000001", "+84912000009"


def trunk(code: str, *, outbound: bool) -> Trunk:
    """A carrier that wants national numbers."""
    return Trunk(code=code, host="192.0.2.1", port=5060, outbound=outbound, prefix_rules=[["+84", "0"]])


def test_station_phone_is_called_directly(database: Database) -> None:
    with database.session() as session:
        desk = Phone(code="desk", name="Bàn trực", password_locked="", caller_number=OFFICIAL)
        session.add_all([desk, trunk("out", outbound=True)])
        session.flush()
        assert endpoint_for(session, OFFICIAL) == "PJSIP/desk"


def test_other_numbers_use_the_first_outgoing_trunk(database: Database) -> None:
    with database.session() as session:
        session.add_all([trunk("in-only", outbound=False), trunk("out", outbound=True), trunk("spare", outbound=True)])
        session.flush()
        assert endpoint_for(session, STRANGER) == "PJSIP/0912000009@out"


def test_refusal_without_a_trunk_says_what_to_add(database: Database) -> None:
    with database.session() as session:
        session.add(trunk("in-only", outbound=False))
        session.flush()
        with pytest.raises(NoWayOut, match=r"\[\[trunks\]\]"):
            endpoint_for(session, STRANGER)
