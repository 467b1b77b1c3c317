from pathlib import Path

import pytest
import sqlalchemy as sa

from broadcast_bridge.models import Broadcast, Speaker, Zone
from broadcast_bridge.speakers.zones import speakers_in
from haichieu import prepared_hashes
from haichieu.audit import AuditEntry
from haichieu.database import Database, now
from haichieu.district.apply_report import Action, ApplyReport
from haichieu.district.errors import DistrictFileError
from haichieu.district.reconcile import apply_file
from haichieu.locale import Message, message, render
from haichieu.people import Official, OfficialPhone, Unit
from haichieu.phone_sign_in import TRIES, CallBackNeeded, Caller, PhoneSignIn, WrongPin
from haichieu.station import the_station
from haichieu.vault import Vault, hash_secret, open_vault, secret_matches
from ivr.calls.number_routes import Days, Route
from ivr.calls.routing import Number, routes_of
from ivr.flows.definition import delivered_flows

EXAMPLE = (Path(__file__).parents[2] / "examples" / "bao-lac.toml").read_text()


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return open_vault(tmp_path)


class District:
    """A district file that can be applied again and again."""

    def __init__(self, database: Database, vault: Vault, path: Path) -> None:
        self.database, self.vault, self.path = database, vault, path

    def apply(self, text: str, *, dry_run: bool = False, prune: bool = False) -> ApplyReport:
        self.path.write_text(text)
        return apply_file(
            self.database, self.vault, self.path, delivered_flows(), dry_run=dry_run, prune=prune, actor="test"
        )


@pytest.fixture
def district(database: Database, vault: Vault, tmp_path: Path) -> District:
    return District(database, vault, tmp_path / "district.toml")


def told(report: ApplyReport) -> list[tuple[str, str, str, tuple[str, ...]]]:
    return [(change.table, change.key, str(change.action), change.fields) for change in report.made]


def test_everything_in_the_example_takes_effect(district: District) -> None:
    report = district.apply(EXAMPLE)
    assert {change.action for change in report.changes} == {Action.ADDED}
    with district.database.session() as session:
        mai = session.scalars(sa.select(Official).where(Official.code == "1002")).one()
        assert [phone.number for phone in mai.phones] == ["+84912000002", "+84206000002"]
        assert mai.call_back
        assert secret_matches(mai.pin_hash, "135791")
        whole = session.scalars(sa.select(Zone).where(Zone.code == "99")).one()
        assert [speaker.code for speaker in speakers_in(session, [whole.id])] == ["cb-01", "cb-02", "cp-01", "tt-lan"]
        speaker = session.scalars(sa.select(Speaker).where(Speaker.code == "cp-01")).one()
        assert (speaker.codecs, district.vault.unlock(speaker.password_locked)) == (
            ["g722", "alaw"],
            "speaker-cp-01-secret",
        )


def test_template_of_answers_is_changed_and_pruned(district: District) -> None:
    district.apply(EXAMPLE)
    assert told(district.apply(EXAMPLE.replace("Mời đến xã", "Mời đến"))) == [
        ("answer_templates", "5", Action.CHANGED, ("name",))
    ]
    gone = EXAMPLE.replace('[[answer_templates]]\ncode = "5"', '[[answer_templates]]\ncode = "6"')
    assert ("answer_templates", "5", Action.REMOVED, ()) in told(district.apply(gone, prune=True))


def test_voice_of_a_unit_stays_where_the_file_names_none(district: District) -> None:
    voiced = EXAMPLE.replace('code = "BL-CB"\n', 'code = "BL-CB"\nvoice = "vi_VN-vais1000-medium"\n', 1)
    district.apply(EXAMPLE)
    assert told(district.apply(voiced)) == [("units", "BL-CB", Action.CHANGED, ("voice",))]
    assert told(district.apply(EXAMPLE)) == []
    with district.database.session() as session:
        unit = session.scalars(sa.select(Unit).where(Unit.code == "BL-CB")).one()
        assert unit.voice == "vi_VN-vais1000-medium"


def test_applying_again_changes_nothing(district: District) -> None:
    district.apply(EXAMPLE)
    again = district.apply(EXAMPLE)
    assert again.changes == []
    assert again.message() == Message.lines([message("district.nothing_to_change")])


def test_only_what_differs_is_changed_and_named(district: District) -> None:
    district.apply(EXAMPLE)
    changed = EXAMPLE.replace("Cụm loa Cô Ba 1", "Cụm loa trường học").replace('"246810"', '"975310"')
    report = district.apply(changed)
    assert told(report) == [("speakers", "cb-01", "changed", ("name",)), ("officials", "1001", "changed", ("pin",))]
    assert not any(secret in str(report.message()) + str(report.as_json()) for secret in ("975310", "246810"))


def test_the_routes_of_a_number_take_effect_and_go_with_the_file(district: District) -> None:
    hours = 'duty_hours = "07:30-17:00"'
    routed = EXAMPLE.replace(
        hours, f'{hours}\nroutes = [{{ flow = "duty-desk", days = "off", hours = "07:00-19:00" }}]'
    )
    district.apply(routed)
    with district.database.session() as session:
        number = session.scalars(sa.select(Number).where(Number.number == "1022")).one()
        assert routes_of(number) == [Route("duty-desk", Days.OFF, "07:00-19:00")]
    assert district.apply(routed).changes == []
    assert told(district.apply(EXAMPLE)) == [("numbers", "1022", "changed", ("routes",))]


def test_a_dry_run_shows_the_same_and_changes_nothing(district: District) -> None:
    shown = district.apply(EXAMPLE, dry_run=True)
    assert "dry run" in render(shown.message(), "en")
    with district.database.session() as session:
        assert session.scalars(sa.select(Unit)).all() == []
    assert told(district.apply(EXAMPLE)) == told(shown)


def test_a_mistake_changes_nothing(district: District) -> None:
    district.apply(EXAMPLE)
    with pytest.raises(DistrictFileError):
        district.apply(EXAMPLE.replace("Cụm loa Cô Ba 1", "Khác").replace('level = "province"', 'level = "x"'))
    assert district.apply(EXAMPLE).changes == []


def without(text: str, *tables: str) -> str:
    """The text without the [[…]] blocks that contain one of these lines."""
    blocks = ("\n" + text).split("\n[[")
    return "\n[[".join(block for block in blocks if not any(line in block for line in tables))


def test_what_the_file_does_not_mention_stays_unless_pruned(district: District) -> None:
    district.apply(EXAMPLE)
    less = without(EXAMPLE, 'id = "cb-02"', 'id = "ban-truc"')
    kept = district.apply(less)
    assert kept.made == []
    assert {(change.table, change.key) for change in kept.changes} == {("speakers", "cb-02"), ("phones", "ban-truc")}
    assert told(district.apply(less, prune=True)) == [
        ("phones", "ban-truc", "removed", ()),
        ("speakers", "cb-02", "removed", ()),
    ]


def test_what_the_log_speaks_of_is_retired_and_comes_back_as_itself(district: District) -> None:
    district.apply(EXAMPLE)
    with district.database.session() as session:
        hai = session.scalars(sa.select(Official).where(Official.code == "1001")).one()
        session.add(Broadcast(official_id=hai.id, zone_names="Cô Ba", created_at=now()))
        first = hai.id
    gone = without(EXAMPLE, 'code = "1001"')
    assert told(district.apply(gone, prune=True)) == [("officials", "1001", "retired", ())]
    with district.database.session() as session:
        hai = session.get_one(Official, first)
        assert (hai.may, hai.pin_hash) == ([], "")
        assert session.scalars(sa.select(OfficialPhone).where(OfficialPhone.official_id == first)).all() == []
    assert district.apply(gone, prune=True).made == []
    district.apply(EXAMPLE)
    with district.database.session() as session:
        assert secret_matches(session.get_one(Official, first).pin_hash, "246810")


def test_code_of_a_retired_official_goes_to_a_new_row_of_another_person(district: District) -> None:
    district.apply(EXAMPLE)
    with district.database.session() as session:
        hai = session.scalars(sa.select(Official).where(Official.code == "1001")).one()
        session.add(Broadcast(official_id=hai.id, zone_names="Cô Ba", created_at=now()))
        first, name = hai.id, hai.name
    district.apply(without(EXAMPLE, 'code = "1001"'), prune=True)
    district.apply(EXAMPLE.replace(f'name = "{name}"', 'name = "Người Mới"'))
    with district.database.session() as session:
        assert session.scalars(sa.select(Broadcast)).one().official.name == name
        new = session.scalars(sa.select(Official).where(Official.code == "1001")).one()
        assert (new.name, new.id != first) == ("Người Mới", True)


def test_secrets_are_hashed_outside_of_transactions(district: District, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []

    def watched(secret: str) -> str:
        assert district.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        hashed.append(secret)
        return hash_secret(secret)

    monkeypatch.setattr(prepared_hashes, "hash_secret", watched)
    district.apply(EXAMPLE)
    assert {"246810", "135791"} < set(hashed)
    hashed.clear()
    district.apply(EXAMPLE.replace("246810", "735193"))
    assert hashed == ["735193"]


def test_changed_pin_lifts_the_locks_of_sign_in(district: District) -> None:
    district.apply(EXAMPLE)
    sign_in = PhoneSignIn(district.database, district.vault)
    for _ in range(TRIES):
        with pytest.raises(WrongPin):
            sign_in.sign_in(Caller("+84912000001"), None, "000000")
    district.apply(EXAMPLE)
    with pytest.raises(CallBackNeeded):
        sign_in.sign_in(Caller("+84912000001"), None, "246810")
    district.apply(EXAMPLE.replace("246810", "735193"))
    assert sign_in.sign_in(Caller("+84912000001"), None, "735193").code == "1001"


def test_a_number_may_move_from_one_official_to_another(district: District) -> None:
    district.apply(EXAMPLE)
    swapped = (
        EXAMPLE.replace('"+84912000001"]', '"+84#"]')
        .replace('"+84912000002", ', '"+84912000001", ')
        .replace('"+84#"', '"+84912000002"')
    )
    district.apply(swapped)
    with district.database.session() as session:
        owners = {phone.number: phone.official.code for phone in session.scalars(sa.select(OfficialPhone))}
    assert owners == {"+84912000002": "1001", "+84912000001": "1002", "+84206000002": "1002"}
    assert district.apply(swapped).changes == []


def test_every_change_is_in_the_audit_trail_without_secrets(district: District) -> None:
    district.apply(EXAMPLE)
    with district.database.session() as session:
        entries = session.scalars(sa.select(AuditEntry)).all()
    assert ("test", "apply.added", "speakers:cb-01") in {(one.actor, one.action, one.subject) for one in entries}
    assert not any("secret" in str(vars(entry)) for entry in entries)


def test_a_file_may_name_a_unit_before_the_one_above_it(district: District) -> None:
    district.apply("""
[[units]]
code = "C"
name = "C"
level = "commune"
parent = "D"

[[units]]
code = "D"
name = "D"
level = "district"
""")
    with district.database.session() as session:
        parents = {unit.code: unit.parent_id for unit in session.scalars(sa.select(Unit))}
        district_id = session.scalars(sa.select(Unit.id).where(Unit.code == "D")).one()
    assert parents == {"C": district_id, "D": None}


def test_a_file_without_a_station_leaves_the_station_as_it_is(district: District) -> None:
    district.apply('[station]\nname = "Cao Bằng"\nquiet_hours = "22:00-04:30"\n')
    district.apply('[[units]]\ncode = "D"\nname = "D"\nlevel = "district"\n')
    with district.database.session() as session:
        station = the_station(session)
        assert (station.name, station.quiet_hours) == ("Cao Bằng", "22:00-04:30")


def test_unreadable_password_can_be_entered_again(district: District) -> None:
    district.apply(EXAMPLE)
    with district.database.session() as session:
        session.execute(sa.update(Speaker).where(Speaker.code == "cb-01").values(password_locked="damaged"))
    report = district.apply(EXAMPLE)
    assert told(report) == [("speakers", "cb-01", "changed", ("password",))]
