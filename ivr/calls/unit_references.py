"""References of the dialled numbers to units."""

from haichieu.units.references import Given, Reference, column_of
from ivr.calls.routing import Number

REFERENCES = (
    Reference(
        column_of(Number.unit_id), "numbers", shown=column_of(Number.number), code=column_of(Number.number),
        given=Given.MAY,
    ),
)  # fmt: skip
