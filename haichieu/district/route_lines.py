"""A route of a number as one line of text, which forms carry: `working 17:00-07:30 duty-desk +84912000001`."""

from ivr.calls.routes import Route

NOTHING = "-"


def line_of_route(route: Route) -> str:
    """Write a route as a line."""
    return write_line(route.days, route.hours, route.flow, route.duty_phone)


def write_line(days: str, hours: str, flow: str, duty_phone: str) -> str:
    """Write what was typed as a line; what is not there is a dash."""
    return " ".join(part.strip() or NOTHING for part in (days, hours.replace(" ", ""), flow, duty_phone))


def read_route(line: str) -> dict[str, str]:
    """What a line says, by the keys of the district file; whether it is sensible is for the schema to say."""
    names, parts = ("days", "hours", "flow", "duty_phone"), line.split(maxsplit=3)
    return {name: part for name, part in zip(names, parts, strict=False) if part != NOTHING}
