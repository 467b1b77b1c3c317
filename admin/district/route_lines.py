"""A route of a number as one line of text, which forms carry: `working 17:00-07:30 duty-desk +84912000001`."""

from ivr.routes import Route

NOTHING = "-"


def line_of_route(route: Route) -> str:
    """Write a route as a line."""
    return write_line(route.days, route.hours, route.flow, route.duty_phone)


def write_line(days: str, hours: str, flow: str, duty_phone: str) -> str:
    """Write what was typed as a line; what is not there is a dash."""
    return " ".join(part.strip() or NOTHING for part in (days, hours.replace(" ", ""), flow, duty_phone))


def read_route(line: str) -> dict[str, str]:
    """What a line says, by the keys of the district file; whether it is sensible is for the schema to say."""
    parts = (*line.split(maxsplit=3), "", "", "", "")[:4]
    return {
        name: "" if part == NOTHING and name == "flow" else part
        for name, part in zip(("days", "hours", "flow", "duty_phone"), parts, strict=True)
        if name == "flow" or part not in ("", NOTHING)
    }
