"""Traces of failed sign-ins at the panel: no address, and nothing that was typed and may be a password."""

import sqlalchemy as sa

from haichieu.alarms import open_alarms
from haichieu.audit import AuditEntry
from haichieu.sign_in_counters import SignInCounter
from tests.builders.house import House

WHO = "operator@x.example"


def test_wrong_tries_store_neither_address_nor_what_was_typed(house: House) -> None:
    house.browser().sign_in(WHO, password="bi-mat-go-nham")
    with house.database.session() as session:
        counters = [str(vars(one)) for one in session.scalars(sa.select(SignInCounter))]
        details = str([(one.subject, one.detail) for one in session.scalars(sa.select(AuditEntry))])
    assert len(counters) == 3
    assert not any(word in counter for counter in counters for word in (WHO, "127.0.0.1", "bi-mat"))
    assert "bi-mat" not in details


def test_password_typed_as_a_name_is_in_no_alarm_and_no_audit_trail(house: House) -> None:
    for _ in range(5):
        house.browser().sign_in("bi-mat-go-nham@x.example", password="sai")
    with house.database.session() as session:
        trail = [one.subject for one in session.scalars(sa.select(AuditEntry)) if one.actor == "web"]
        assert set(trail) == {"account:?"}
        assert [alarm.subject for alarm in open_alarms(session)] == ["account:?"]
