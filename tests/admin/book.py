"""Beginnings that tests of the station book share: who keeps it, and entries to refer to."""

import datetime
from typing import Any

import sqlalchemy as sa

from tests.builders.house import Browser, House

KEEPER, VIEWER = "editor@x.example", "viewer@x.example"
DAY = datetime.date(2027, 2, 5)
DEVICE = {"code": "TB-01", "name": "Cụm Nà Sài", "unit": "COMMUNE", "device_kind": "ict_cluster", "condition": "good"}
LINE = {"fund": "central", "purpose": "stations", "year": "2027", "unit": "COMMUNE"}
INSPECTION = {"inspected_on": "2026-01-05", "unit": "COMMUNE", "finding": "passed"}
PLAN = {"work": "Đài mới", "year": "2026", "unit": "COMMUNE", "plan_kind": "new", "plan_state": "proposed"}


def rows(house: House, model: Any) -> list[Any]:
    with house.database.session() as session:
        return list(session.scalars(sa.select(model).order_by(model.id)))


def keeper(house: House) -> Browser:
    return house.signed_in(KEEPER)
