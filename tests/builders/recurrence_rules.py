"""Recurrence rules (RFC 5545) by the hundred."""

from hypothesis import strategies as st

FREQUENCIES = st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"])


@st.composite
def rules(draw: st.DrawFn) -> str:
    """A rule whose parts may be combined."""
    freq = draw(FREQUENCIES)
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 5))}"]

    def some(name: str, values: st.SearchStrategy[object]) -> None:
        if draw(st.booleans()):
            parts.append(f"{name}={','.join(str(value) for value in draw(st.lists(values, min_size=1, max_size=3)))}")

    some("BYMONTH", st.integers(1, 12))
    some("BYDAY", st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]))
    some("BYHOUR", st.integers(0, 23))
    if freq != "WEEKLY":
        some("BYMONTHDAY", st.sampled_from([1, 13, 28, 29, 31, -1, -5]))
    if freq == "YEARLY":
        some("BYYEARDAY", st.sampled_from([1, 60, 366, -1]))
        some("BYWEEKNO", st.sampled_from([1, 20, 52, 53]))
    if freq in ("WEEKLY", "MONTHLY", "YEARLY"):
        some("WKST", st.just(draw(st.sampled_from(["MO", "SU"]))))
        if len(parts) > 2:
            some("BYSETPOS", st.sampled_from([1, 2, -1]))
    return ";".join(part for part in parts if not (part.startswith("WKST") and "," in part))
