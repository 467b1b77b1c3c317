"""Certificates of duties: issued from the proof, found by their code, and lost when the audit trail is altered."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.duties.duty_certificates import certificate_coded, certify, code_of
from broadcast_bridge.duties.duty_watch import look_after
from broadcast_bridge.duties.errors import CertificateRefused, NoSuchCertificate
from broadcast_bridge.duties.models import Duty
from haichieu import audit
from haichieu.database import Database, migrate
from tests.builders.duties import at, duty, run, villages
from tests.command_line import haichieu

WHO = "account:editor@x.example"


def met(database: Database) -> tuple[int, int, int]:
    """Add a duty that the first of two villages has heard, and return its number and those of the villages."""
    with database.session() as session:
        place = villages(session)
        one = duty(session, place, at("23 20:00"))
        run(session, place, "22 05:30", [place.first])
        for day in ("24", "25", "26"):
            run(session, place, f"{day} 05:30", [place.first])
        look_after(session, one, at("26 06:30"))
        return one.id, place.first.id, place.second.id


def issued(database: Database, number: int, unit_id: int) -> str:
    with database.session() as session:
        entry = certify(session, session.get_one(Duty, number), unit_id, WHO)
    with database.reading() as session:
        return code_of(session, entry)


def test_certificate_states_the_proof_and_is_found_by_its_code(database: Database) -> None:
    number, first, _ = met(database)
    code = issued(database, number, first)
    with database.reading() as session:
        found = certificate_coded(session, f" {code.upper()} ")
        assert (found.duty_id, found.unit_id, found.issued_by) == (number, first, WHO)
        assert (found.facts["village"], found.facts["number"]) == ("Nà Tền (Cô Ba)", "10/2022/QH15")
        assert [line.rpartition(" ")[0] for line in found.runs] == [
            f"2026-11-{day}T05:30 1/1 1" for day in ("24", "25", "26")
        ]
        assert audit.verify(session).broken_at is None


def test_same_certificate_is_issued_once(database: Database) -> None:
    number, first, _ = met(database)
    assert issued(database, number, first) == issued(database, number, first)


def test_village_without_enough_runs_gets_no_certificate(database: Database) -> None:
    number, _, second = met(database)
    for unit_id in (second, 99):
        with database.session() as session, pytest.raises(CertificateRefused):
            certify(session, session.get_one(Duty, number), unit_id, WHO)


@pytest.mark.parametrize("change", ["detail", "digest", "before"])
def test_altered_audit_trail_confirms_no_certificate(database: Database, change: str) -> None:
    number, first, _ = met(database)
    code = issued(database, number, first)
    position = int(code.partition("-")[0])
    with database.engine.begin() as connection:
        on = "" if database.is_sqlite else " ON audit_entries"
        connection.exec_driver_sql(f"DROP TRIGGER audit_entries_no_update{on}")
        table = audit.AuditEntry.__table__
        where = table.c.position == (position - 1 if change == "before" else position)
        values = {"detail": {"detail": {"village": "Khác"}}}.get(change, {"digest": "0" * 64})
        connection.execute(sa.update(table).where(where).values(**values))
    with database.reading() as session, pytest.raises((NoSuchCertificate, CertificateRefused)):
        certificate_coded(session, code)


@pytest.mark.parametrize("code", ["", "1", "1-", "999-0123456789abcdef", "x" * 100, "1-0000000000000000"])
def test_code_of_no_certificate_is_refused(database: Database, code: str) -> None:
    met(database)
    with database.reading() as session, pytest.raises(NoSuchCertificate):
        certificate_coded(session, code)


def test_command_line_verifies_a_certificate_with_the_whole_trail(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'haichieu.sqlite'}"
    migrate(url)
    database = Database(url)
    number, first, _ = met(database)
    code = issued(database, number, first)
    found = haichieu("audit", "certificate", code, "--home", str(tmp_path))
    assert found.returncode == 0
    assert "village: Nà Tền (Cô Ba)" in found.stdout
    assert haichieu("audit", "certificate", "1-0000000000000000", "--home", str(tmp_path)).returncode == 1
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_entries_no_update")
        connection.exec_driver_sql("UPDATE audit_entries SET actor = 'nobody' WHERE position = 1")
    database.close()
    assert haichieu("audit", "certificate", code, "--home", str(tmp_path)).returncode == 1
