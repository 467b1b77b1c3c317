"""CSV of cases for statistics, without numbers or words of citizens and safe from formula injection."""

import csv
from typing import IO

from sqlalchemy.orm import Session

from feedback.cases import case_search
from feedback.cases.case_order import Place
from feedback.cases.case_search import Wanted
from feedback.models import Case
from haichieu.spreadsheet_cells import harmless

COLUMNS = (
    "number", "channel", "status", "unit", "category", "department", "opened", "due", "answered", "closed",
)  # fmt: skip
_AT_ONCE = 1000


def write(session: Session, wanted: Wanted, target: IO[str]) -> int:
    """Write the matching cases as CSV, newest first; return how many. The session is emptied on the way."""
    table = csv.writer(target)
    table.writerow(COLUMNS)
    written = 0
    place: Place | None = None
    while True:
        page = case_search.find(session, wanted, place, most=_AT_ONCE)
        table.writerows(_row(case) for case in page.cases)
        written += len(page.cases)
        session.expunge_all()
        if page.after is None:
            return written
        place = page.after


def _row(case: Case) -> list[str]:
    moments = (case.opened_at, case.due_at, case.answered_at, case.closed_at)
    named = (case.unit, case.category, case.department)
    return [
        *(case.number, case.channel, case.status),
        *(harmless(one.name) if one else "" for one in named),
        *(moment.isoformat(timespec="seconds") if moment else "" for moment in moments),
    ]
