"""Proof by village: which villages heard a broadcast, named with their communes."""

import pytest
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.villages import ProofByVillage, by_village
from broadcast_bridge.models import Broadcast, Delivery, Speaker
from haichieu.database import Database, now
from haichieu.people import Level, Unit
from haichieu.unit_names import unit_names

HEARD = {"state": "played", "packets_lost": 0}
SILENT = {"state": "played"}
MISSED = {"state": "missed"}
PLAYING = {"state": "playing", "active": True}
RINGING = {"state": "ringing", "active": True}


def units(session: Session) -> dict[str, int]:
    """A province with two communes; each has a village Nà Lùng, and the first another one."""
    made: dict[str, int] = {}
    for key, name, level, above in (
        ("province", "Tỉnh Cao Bằng", Level.PROVINCE, None),
        ("co-ba", "Xã Cô Ba", Level.COMMUNE, "province"),
        ("bao-lac", "Xã Bảo Lạc", Level.COMMUNE, "province"),
        ("co-ba/na-lung", "Nà Lùng", Level.VILLAGE, "co-ba"),
        ("bao-lac/na-lung", "Nà Lùng", Level.VILLAGE, "bao-lac"),
        ("bao-lac/coc-xa", "Cốc Xả", Level.VILLAGE, "bao-lac"),
    ):
        unit = Unit(code=key.upper(), name=name, level=level, parent_id=made[above] if above else None)
        session.add(unit)
        session.flush()
        made[key] = unit.id
    return made


def proof(session: Session, *results: tuple[str, dict[str, object]]) -> ProofByVillage:
    """The proof of a broadcast with one speaker per given result, in the given unit."""
    known = units(session)
    made = Broadcast(kind="recorded", title="Tin", zone_names="Khu", created_at=now(), state="ended")
    for number, (unit, result) in enumerate(results):
        speaker = Speaker(code=f"s{number}", name=f"Loa {number}", unit_id=known[unit])
        made.deliveries.append(Delivery(**{"speaker": speaker, "active": False, **result}))
    session.add(made)
    session.flush()
    return by_village(made.deliveries, unit_names(session))


def shown(found: ProofByVillage) -> list[tuple[str, str]]:
    return [(str(one.name), str(one.state)) for one in found.villages]


def test_villages_of_one_name_are_two_and_named_with_their_commune(database: Database) -> None:
    with database.session() as session:
        found = proof(session, ("co-ba/na-lung", MISSED), ("bao-lac/na-lung", HEARD), ("bao-lac/coc-xa", HEARD))
    assert [(one.name, one.heard, len(one.villages)) for one in found.communes] == [
        ("Xã Bảo Lạc", 2, 2), ("Xã Cô Ba", 0, 1),
    ]  # fmt: skip
    assert (found.heard, len(found.counted), found.has_villages) == (2, 3, True)
    assert [str(one.name) for one in found.in_state("not_heard")] == ["Nà Lùng (Xã Cô Ba)"]


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([HEARD, HEARD], "heard"),
        ([HEARD, SILENT], "heard"),
        ([{"state": "caught_up"}], "heard"),
        ([HEARD, MISSED], "in_part"),
        ([SILENT, MISSED], "unconfirmed"),
        ([SILENT], "unconfirmed"),
        ([{"state": "failed"}, {"state": "pre_empted"}], "not_heard"),
        ([PLAYING, MISSED], "playing"),
        ([RINGING, HEARD], "waiting"),
    ],
)
def test_state_of_a_village_follows_from_its_speakers(
    database: Database, results: list[dict[str, object]], state: str
) -> None:
    with database.session() as session:
        [village] = proof(session, *(("co-ba/na-lung", one) for one in results)).villages
    assert (village.state, village.speakers) == (state, len(results))


def test_a_commune_with_speakers_of_its_own_is_listed_with_its_villages(database: Database) -> None:
    with database.session() as session:
        found = proof(session, ("co-ba", HEARD), ("co-ba/na-lung", MISSED), ("province", HEARD))
    assert shown(found) == [
        ("Tỉnh Cao Bằng", "heard"), ("Xã Cô Ba", "heard"), ("Nà Lùng (Xã Cô Ba)", "not_heard"),
    ]  # fmt: skip
    assert (found.heard, len(found.counted)) == (0, 1)  # of the villages


def test_units_without_villages_count_themselves(database: Database) -> None:
    with database.session() as session:
        found = proof(session, ("co-ba", HEARD), ("bao-lac", MISSED))
    assert (found.heard, len(found.counted), found.has_villages) == (1, 2, False)


def test_a_broadcast_that_has_called_nobody_has_no_villages(database: Database) -> None:
    with database.session() as session:
        found = proof(session)
    assert (found.communes, found.heard, found.playing) == ([], 0, 0)


def test_a_village_without_a_commune_has_its_own_name(database: Database) -> None:
    with database.session() as session:
        alone = Unit(code="V", name="Bản Khun", level=Level.VILLAGE)
        session.add(alone)
        session.flush()
        below = Unit(code="W", name="Xóm Dưới", level=Level.VILLAGE, parent_id=alone.id)
        session.add(below)
        session.flush()
        names = unit_names(session)
        assert (str(names[alone.id]), str(names[below.id])) == ("Bản Khun", "Xóm Dưới (Bản Khun)")


def test_no_loss_is_reported_for_a_speaker_to_which_nothing_was_sent() -> None:
    assert Delivery(packets_sent=100, packets_lost=0).loss is None
    assert Delivery(packets_sent=100, packets_lost=1, first_audio_at=now()).loss == 0.01
