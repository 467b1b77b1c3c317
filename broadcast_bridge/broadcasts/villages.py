"""Proof of a broadcast by village: which of them heard it, grouped by commune.

A speaker counts for the unit that it belongs to: a village, or a commune with speakers of its own.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.states import DeliveryState
from broadcast_bridge.models import Delivery, FormerSpeakerUnit
from haichieu.unit_names import UnitName


class VillageState(StrEnum):
    """How much of a village heard a broadcast, or hears it now."""

    HEARD = "heard"
    IN_PART = "in_part"
    """Some of its speakers heard it, others did not."""
    UNCONFIRMED = "unconfirmed"
    """It was played, and no speaker reported that sound arrived, as multicast groups never do."""
    PLAYING = "playing"
    WAITING = "waiting"
    NOT_HEARD = "not_heard"


@dataclass(frozen=True)
class VillageProof:
    """The speakers of one village in a broadcast: all of them, and those that heard it, are unconfirmed or play."""

    name: UnitName
    speakers: int
    heard: int
    unconfirmed: int = 0
    playing: int = 0
    waiting: int = 0

    @property
    def state(self) -> VillageState:
        """Return the state of the village."""
        if self.playing:
            return VillageState.PLAYING
        if self.waiting:
            return VillageState.WAITING
        if self.heard:
            return VillageState.HEARD if self.heard + self.unconfirmed == self.speakers else VillageState.IN_PART
        return VillageState.UNCONFIRMED if self.unconfirmed else VillageState.NOT_HEARD


@dataclass(frozen=True)
class CommuneProof:
    """The villages of one commune, by name."""

    name: str
    villages: Sequence[VillageProof]

    @property
    def heard(self) -> int:
        """The number of villages in which at least one speaker is known to have heard it."""
        return sum(one.state in _HEARD for one in self.villages)


@dataclass(frozen=True)
class ProofByVillage:
    """The communes of a broadcast, by name; empty before it has called a speaker."""

    communes: Sequence[CommuneProof]

    @property
    def villages(self) -> Sequence[VillageProof]:
        """All units with a speaker, by commune and name."""
        return [village for commune in self.communes for village in commune.villages]

    @property
    def counted(self) -> Sequence[VillageProof]:
        """The villages; without any, the other units, which have speakers of their own."""
        return [one for one in self.villages if one.name.is_village] or self.villages

    @property
    def has_villages(self) -> bool:
        """Whether any unit is a village."""
        return any(one.name.is_village for one in self.villages)

    @property
    def heard(self) -> int:
        """The number of those that count in which at least one speaker is known to have heard it."""
        return sum(one.state in _HEARD for one in self.counted)

    @property
    def playing(self) -> int:
        """The number of those that count in which it plays now."""
        return sum(one.state is VillageState.PLAYING for one in self.counted)

    def in_state(self, *states: str) -> Sequence[VillageProof]:
        """Return the villages in one of these states."""
        return [one for one in self.villages if one.state in states]


_HEARD = (VillageState.HEARD, VillageState.IN_PART)


def former_units(session: Session, at: datetime.datetime) -> Mapping[int, int]:
    """Return the units at a time of the speakers that belong to others now, by the speakers' ids."""
    then = FormerSpeakerUnit.until > at, sa.or_(FormerSpeakerUnit.since.is_(None), FormerSpeakerUnit.since <= at)
    rows = session.execute(sa.select(FormerSpeakerUnit.speaker_id, FormerSpeakerUnit.unit_id).where(*then))
    return {speaker_id: unit_id for speaker_id, unit_id in rows}


def by_village(
    deliveries: Iterable[Delivery], names: Mapping[int, UnitName], formerly: Mapping[int, int] | None = None
) -> ProofByVillage:
    """Return the proof of the deliveries of one broadcast by village; `names` are those of all units, by id.

    `formerly` are units of speakers at the time of the broadcast, as `former_units` gives them.
    """
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    for one in deliveries:
        counts[(formerly or {}).get(one.speaker_id, one.speaker.unit_id)][_result(one)] += 1
    communes: dict[int, list[VillageProof]] = defaultdict(list)
    titles: dict[int, str] = {}
    for unit_id, count in counts.items():
        name = names[unit_id]
        communes[name.commune_id].append(
            VillageProof(
                name, count.total(), count["heard"], count["unconfirmed"], count["playing"], count["waiting"]
            )
        )  # fmt: skip
        titles[name.commune_id] = name.commune
    return ProofByVillage(
        [
            CommuneProof(titles[number], sorted(villages, key=lambda one: (one.name.is_village, one.name.name)))
            for number, villages in sorted(communes.items(), key=lambda pair: (titles[pair[0]], pair[0]))
        ]
    )


def _result(delivery: Delivery) -> str:
    if delivery.state in (DeliveryState.PLAYED, DeliveryState.CAUGHT_UP):
        return "unconfirmed" if delivery.heard is None else "heard"
    if delivery.state == DeliveryState.PLAYING:
        return "playing"
    return "waiting" if delivery.active else "missed"
