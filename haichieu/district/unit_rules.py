"""The rules of all rooms about what refers to units."""

from broadcast_bridge import unit_references as broadcasting
from feedback import unit_references as casework
from haichieu.units import references as base
from haichieu.units.references import UnitRules
from ivr.calls import unit_references as calls

RULES = UnitRules(
    (*base.REFERENCES, *broadcasting.REFERENCES, *calls.REFERENCES, *casework.REFERENCES),
    broadcasting.CARRIERS,
    broadcasting.OBSTACLES,
    broadcasting.REACHES,
)
