"""Routes of a number as lines of text in forms: `working 17:00-07:30 duty-desk +84912000001`."""

from ivr.calls.number_routes import Route

NOTHING = "-"


def line_of_route(route: Route) -> str:
    """Return a route as a line."""
    return write_line(route.days, route.hours, route.flow, route.duty_phone)


def write_line(days: str, hours: str, flow: str, duty_phone: str) -> str:
    """Return typed values as a line; missing ones are a dash."""
    return " ".join(part.strip() or NOTHING for part in (days, hours.replace(" ", ""), flow, duty_phone))


def read_route(line: str) -> dict[str, str]:
    """Return the values of a line by the keys of the district file; the schema validates them."""
    names, parts = ("days", "hours", "flow", "duty_phone"), line.split(maxsplit=3)
    return {name: part for name, part in zip(names, parts, strict=False) if part != NOTHING}
