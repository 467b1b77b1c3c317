"""Rules between the values of a row of the station book: what cannot be true is refused before it is stored."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from broadcast_bridge.station_book.states import PlanState
from haichieu.locale import Message, message

Related = Callable[[str, int, int], bool]
"""Whether the row that a column refers to, by its id, belongs to a unit, or to one above or below it."""
_OF_A_UNIT = ("device", "station")


def contradictions(values: Mapping[str, Any], today: datetime.date, related: Related) -> dict[str, Message]:
    """Return what cannot be true, by column; `values` are by attribute, and those that could not be read are absent."""
    found: dict[str, Message] = {}
    since, inspected = values.get("since_year"), values.get("inspected_on")
    if since is not None and since > today.year:
        found["since_year"] = message("book.value.year_to_come")
    if inspected is not None and inspected > today:
        found["inspected_on"] = message("book.value.day_to_come")
    if _is_before(values, "next_on", "inspected_on", or_same=True):
        found["next_on"] = message("book.value.next_before")
    if _is_before(values, "ends_on", "starts_on"):
        found["ends_on"] = message("book.value.ends_before")
    if values.get("plan_state") == PlanState.DONE and "done_on" in values and values["done_on"] is None:
        found["done_on"] = message("book.value.done_without_day")
    for column in _OF_A_UNIT:
        row, unit = values.get(f"{column}_id"), values.get("unit_id")
        if row is not None and unit is not None and not related(column, row, unit):
            found[column] = message(f"book.value.{column}_elsewhere")
    return found


def _is_before(values: Mapping[str, Any], later: str, earlier: str, *, or_same: bool = False) -> bool:
    first, second = values.get(earlier), values.get(later)
    return first is not None and second is not None and (second < first or (or_same and second == first))
