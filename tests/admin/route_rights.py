"""Rights of every route: open ones, lists, and the right and unit that each other needs."""

from collections.abc import Callable
from dataclasses import dataclass

from haichieu.account_rights import Action
from tests.builders.house import House
from tests.builders.in_unit import (
    PAST,
    ZONES,
    account,
    alarm,
    another_number,
    broadcast,
    broken,
    case,
    case_file,
    device,
    duty,
    failed_reply,
    first_message,
    flow_draft,
    new_account,
    new_official,
    new_speaker,
    new_zone,
    number,
    official,
    programme_sound,
    schedule,
    speaker,
    spoken_sound,
    unit_change,
    waiting_answer,
    zone,
)
from tests.builders.programmes import drafted, ready

OPEN_TO_ALL = {
    "/healthz", "/metrics", "/nodes/media/<name>", "/static/<digest>/<path:name>", "/language", "/login", "/login/code",
    "/api/v1/openapi.json", "/manifest.webmanifest", "/service-worker.js",
}  # fmt: skip
ABOUT_ONESELF = {
    "/logout", "/now/events", "/account",
}  # fmt: skip
LISTS = {
    "/",
    "/on-air",
    "/wallboard",
    "/search",
    "/announce",
    "/emergency",
    "/accounts",
    "/api/v1/speakers",
    "/api/v1/broadcasts",
    "/api/v1/cases",
    "/cases",
    "/cases/export",
}
LISTS |= {"/api/v1/schedules", "/api/v1/reports/broadcasts"}
LISTS |= {f"/api/v1/reports/{about}" for about in ("availability", "cases", "survey")}
LISTS |= {"/reports", "/broadcasts", "/book"}
LISTS |= {"/programmes", "/calendar", "/calendar/schedules.ics"}
LISTS |= {"/bulletins", "/repairs", "/speakers/slips", "/duties", "/work"}
LISTS |= {"/data-requests", "/reports/registers"}
ELSEWHERE = {
    ("POST", "/bulletins"), ("POST", "/repairs"), ("POST", "/duties"), ("POST", "/reports"),
    ("POST", "/data-requests"), 
    ("POST", "/set-up/test-call"), ("POST", "/station/<name>/<int:number>/remove"),
    ("POST", "/programmes/uploads"),
    ("GET", "/programmes/<int:number>/sound"), ("POST", "/calendar/import"),
    ("GET", "/book/<table>"), ("GET", "/book/<table>/import"), ("POST", "/book/<table>/import"),
    *((method, "/announce/<int:number>") for method in ("GET", "POST")), ("GET", "/announce/<int:number>/sound"),
}  # fmt: skip
"""Tried in the tests of their pages, with the bodies that they need; a draft belongs to one account."""

A_HAMLET = {"level": "village", "names": "Xóm Mới"}


@dataclass(frozen=True)
class Try:
    """A route with what it is about in a unit: `reach(house, unit)` gives path and body."""

    rule: str
    method: str
    action: Action
    reach: Callable[[House, str], tuple[str, dict[str, object]]]
    seen_from_below: bool = False
    """What is heard in the whole district is heard, and seen, in its communes too."""

    @property
    def name(self) -> str:
        return f"{self.method} {self.rule}"


IN_UNITS = [
    Try("/broadcasts/<int:number>/stop", "GET", Action.AIR, lambda h, u: (f"/broadcasts/{broadcast(h, u)}/stop", {})),
    Try("/broadcasts/<int:number>/stop", "POST", Action.AIR, lambda h, u: (f"/broadcasts/{broadcast(h, u)}/stop", {})),
    Try(
        "/emergency",
        "POST",
        Action.EMERGENCY,
        lambda h, u: ("/emergency", {"zone": ZONES[u], "text": "Lũ", "times": "1"}),
    ),
    Try("/announce", "POST", Action.ANNOUNCE, lambda h, u: ("/announce", {"zone": ZONES[u], "text": "Thử loa"})),
    Try("/announce", "POST", Action.AIR, lambda h, u: ("/announce", {"zone": ZONES[u], "programme": ready(h, u)})),
    Try("/announce/sound", "POST", Action.ANNOUNCE, lambda h, u: (f"/announce/sound?zone={ZONES[u]}", {})),
    Try(
        "/accounts/<int:number>/end-logins",
        "POST",
        Action.MANAGE_ACCOUNTS,
        lambda h, u: (f"/accounts/{account(h, u)}/end-logins", {}),
    ),
    Try(
        "/accounts/<int:number>/second-factor-off",
        "POST",
        Action.MANAGE_ACCOUNTS,
        lambda h, u: (f"/accounts/{account(h, u)}/second-factor-off", {}),
    ),
    Try(
        "/api/v1/broadcasts/<int:number>",
        "GET",
        Action.VIEW,
        lambda h, u: (f"/api/v1/broadcasts/{broadcast(h, u)}", {}),
        seen_from_below=True,
    ),
    Try(
        "/api/v1/broadcasts/<int:number>/stop",
        "POST",
        Action.AIR,
        lambda h, u: (f"/api/v1/broadcasts/{broadcast(h, u)}/stop", {}),
    ),
    Try(
        "/api/v1/broadcasts",
        "POST",
        Action.ANNOUNCE,
        lambda h, u: ("/api/v1/broadcasts", {"zones": [ZONES[u]], "text": "Thử loa", "at": PAST}),
    ),
    Try(
        "/api/v1/broadcasts",
        "POST",
        Action.EMERGENCY,
        lambda h, u: ("/api/v1/broadcasts", {"zones": [ZONES[u]], "text": "Lũ", "priority": "emergency", "at": PAST}),
    ),
    Try("/api/v1/cases/<number>", "GET", Action.READ_CASES, lambda h, u: (f"/api/v1/cases/{case(h, u)}", {})),
    Try(
        "/api/v1/cases/<number>/answers",
        "POST",
        Action.WORK_ON_CASES,
        lambda h, u: (f"/api/v1/cases/{case(h, u)}/answers", {"text": "Đã sửa", "by": ["air"]}),
    ),
]
CONFIGURE, MANAGE = Action.CONFIGURE, Action.MANAGE_ACCOUNTS
IN_UNITS += [
    Try(
        f"/speakers/<int:number>{rest}",
        method,
        action,
        lambda h, u, rest=rest: (f"/speakers/{speaker(h, u)}{rest}", {}),
    )
    for method, rest, action in (
        ("GET", "", Action.VIEW),
        ("GET", "/edit", CONFIGURE),
        ("POST", "/edit", CONFIGURE),
        ("POST", "/volume", CONFIGURE),
        ("POST", "/tone", Action.AIR),
        ("POST", "/account", CONFIGURE),
        ("POST", "/direct-call", CONFIGURE),
        ("POST", "/retire", CONFIGURE),
    )
]
IN_UNITS += [
    Try(f"/zones/<int:number>{rest}", method, action, lambda h, u, rest=rest: (f"/zones/{zone(h, u)}{rest}", {}))
    for method, rest, action in (
        ("GET", "/edit", CONFIGURE), ("POST", "/edit", CONFIGURE), ("POST", "/retire", CONFIGURE),
        ("POST", "/silence", Action.AIR),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/officials/<int:number>{rest}",
        method,
        CONFIGURE,
        lambda h, u, rest=rest: (f"/officials/{official(h, u)}{rest}", {}),
    )
    for method, rest in (
        ("POST", "/phones"),
        ("GET", "/edit"),
        ("POST", "/edit"),
        ("POST", "/pin"),
        ("POST", "/call"),
        ("POST", "/unlock"),
        ("POST", "/retire"),
    )
]
IN_UNITS += [
    Try(
        f"/accounts/<int:number>{rest}",
        method,
        MANAGE,
        lambda h, u, rest=rest: (f"/accounts/{account(h, u)}{rest}", {}),
    )
    for method, rest in (
        ("GET", "/edit"),
        ("POST", "/edit"),
        ("POST", "/password"),
        ("POST", "/unlock"),
        ("POST", "/disable"),
    )
]
IN_UNITS += [
    Try("/speakers/<int:number>/edit", "POST", CONFIGURE, new_speaker),
    Try("/officials/<int:number>/edit", "POST", CONFIGURE, new_official),
    Try("/zones/<int:number>/edit", "POST", CONFIGURE, new_zone),
    Try("/accounts/<int:number>/edit", "POST", MANAGE, new_account),
]
IMPORTS = {("POST", f"/{what}/import") for what in ("speakers", "officials", "accounts")}
LISTS |= {"/speakers", "/speakers/map", "/speakers/import", "/zones", "/officials"}
LISTS |= {"/officials/import", "/accounts/import", "/set-up"}
NEW = {f"/{what}/0/edit": CONFIGURE for what in ("speakers", "zones", "officials", "numbers")}
NEW |= {"/accounts/0/edit": MANAGE, "/programmes/0/edit": Action.EDIT, "/calendar/schedules/0/edit": Action.SCHEDULE}
"""Forms of new entries, which belong to no unit yet."""
OPEN_TO_ALL |= {"/first-run/<token>"}
IN_UNITS += [
    Try("/cases/<number>", "GET", Action.READ_CASES, lambda h, u: (f"/cases/{case(h, u)}", {})),
    Try(
        "/cases",
        "POST",
        Action.WORK_ON_CASES,
        lambda h, u: ("/cases", {"case": case(h, u), "act": "close", "reason": "Trùng", "confirmed": "yes"}),
    ),
    *(
        Try(
            "/cases/<number>/<step>", "GET", Action.READ_CASES, lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {})
        )
        for end in ("answer", "notes", "transcript")
    ),
    *(
        Try(
            "/cases/<number>/<step>",
            "POST",
            Action.WORK_ON_CASES,
            lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {"note": "Đã gọi", "what": "apart"}),
        )
        for end in ("answer", "assign", "notes", "close", "reopen", "merge")
    ),
    *(
        Try(
            f"/cases/<number>/{end}",
            "POST",
            Action.WORK_ON_CASES,
            lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {}),
        )
        for end in ("answer/spoken", "answer/recording")
    ),
    *(
        Try(
            "/cases/<number>/<step>",
            "POST",
            Action.WORK_ON_CASES,
            lambda h, u, end=end: (f"/cases/{case(h, u)}/{end}", {"message": str(first_message(h))}),
        )
        for end in ("transcript", "transcribe")
    ),
    Try("/cases/<number>/<step>", "POST", Action.WORK_ON_CASES, lambda h, u: failed_reply(h, u)),
    Try("/cases/<number>/<step>", "POST", Action.WORK_ON_CASES, lambda h, u: waiting_answer(h, u)),
    Try("/cases/<number>/files/<int:file>", "GET", Action.READ_CASES, lambda h, u: (case_file(h, u), {})),
    Try("/sounds/<int:number>/peaks", "GET", Action.VIEW, lambda h, u: (f"/sounds/{programme_sound(h, u)}/peaks", {})),
    Try("/sounds/<int:number>", "GET", Action.VIEW, lambda h, u: (f"/sounds/{programme_sound(h, u)}", {})),
    Try("/sounds/<int:number>", "GET", Action.READ_CASES, lambda h, u: (f"/sounds/{spoken_sound(h, u)}", {})),
]
IN_UNITS += [
    Try("/duties/<int:number>", "GET", Action.VIEW, lambda h, u: (f"/duties/{duty(h, u)}", {})),
    Try(
        "/duties/<int:number>",
        "POST",
        Action.SCHEDULE,
        lambda h, u: (f"/duties/{duty(h, u)}", {"do": "cancel", "reason": "Đã hủy"}),
    ),
]
IN_UNITS += [
    Try(
        f"/programmes/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/programmes/{drafted(h, u)}{end}", {}),  # type: ignore[misc]
    )
    for method, end, action in (
        ("GET", "", Action.VIEW), ("GET", "/edit", Action.EDIT), ("POST", "/edit", Action.EDIT),
        ("POST", "/submit", Action.EDIT), ("POST", "/approve", Action.APPROVE), ("POST", "/return", Action.APPROVE),
        ("POST", "/withdraw", Action.EDIT), ("POST", "/preview", Action.EDIT), ("POST", "/reading", Action.EDIT),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/calendar/schedules/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/calendar/schedules/{schedule(h, u)}{end}", {}),  # type: ignore[misc]
    )
    for method, end, action in (
        ("GET", "", Action.VIEW), ("GET", "/edit", Action.SCHEDULE), ("POST", "/edit", Action.SCHEDULE),
        ("POST", "/remove", Action.SCHEDULE), ("POST", "/move", Action.SCHEDULE),
    )
]  # fmt: skip
IN_UNITS += [
    Try(
        f"/broadcasts/<int:number>{end}",
        method,
        action,
        lambda h, u, end=end: (f"/broadcasts/{broadcast(h, u)}{end}", {}),
        seen_from_below=action == Action.VIEW,
    )
    for method, end, action in (
        ("GET", "", Action.VIEW),
        ("GET", "/again", Action.AIR),
        ("POST", "/again", Action.AIR),
        ("GET", "/programme", Action.EDIT),
        ("POST", "/programme", Action.EDIT),
    )
]
IN_UNITS += [
    Try("/numbers/<int:number>/edit", "POST", CONFIGURE, another_number),
    *(
        Try(
            f"/numbers/<int:number>{end}",
            method,
            CONFIGURE,
            lambda h, u, end=end: (f"/numbers/{number(h, u)}{end}", {}),
        )
        for method, end in (("GET", ""), ("GET", "/edit"), ("POST", "/edit"), ("POST", "/retire"))
    ),
]
LISTS |= {"/numbers"}
PROMPT = "/prompts/<language>/<key>"
EVERYWHERE = {
    ("GET", "/audit"): Action.AUDIT,
    ("GET", "/prompts"): CONFIGURE,
    ("GET", "/pronunciations"): CONFIGURE,
    ("POST", "/pronunciations"): CONFIGURE,
    ("POST", "/speakers/map"): CONFIGURE,
    ("GET", "/station"): CONFIGURE,
    **{(method, "/station/<name>/<int:number>/edit"): CONFIGURE for method in ("GET", "POST")},
    **{("GET", PROMPT + end): CONFIGURE for end in ("", "/sound")},
    **{("POST", PROMPT + end): CONFIGURE for end in ("/text", "/preview", "/recording", "/built-in", "/call")},
}
IN_UNITS += [
    Try(
        f"/flows/<name>{end}",
        method,
        CONFIGURE,
        lambda h, u, end=end: (
            flow_draft(h, u) + end.replace("<node>", "main-menu").replace("<int:number>", "0"), {},
        ),  # type: ignore[misc]
    )
    for method, end in (
        *(("GET", end) for end in ("", "/draft", "/json", "/draft/<node>", "/publish", "/simulator")),
        *(("POST", end) for end in ("/draft", "/json", "/add", "/discard", "/draft/<node>", "/publish")),
        ("GET", "/versions/<int:number>"), ("POST", "/versions/<int:number>"),
    )
]  # fmt: skip
LISTS |= {"/flows", "/units", "/units/new"}
UNIT_STEPS = (*(("GET", one) for one in ("merge", "split", "move", "voice")), ("POST", "rename"), ("POST", "voice"))
IN_UNITS += [
    Try("/units/new", "POST", CONFIGURE, lambda h, u: ("/units/new", {"parent": h.units[u], **A_HAMLET})),
    *(
        Try(
            "/units/<int:number>/<step>",
            method,
            CONFIGURE,
            lambda h, u, step=step: (f"/units/{h.units[u]}/{step}", {"name": "Tên khác"} if step == "rename" else {}),
        )
        for method, step in UNIT_STEPS
    ),
    *(
        Try(
            "/units/changes/<int:number>/undo",
            method,
            CONFIGURE,
            lambda h, u: (f"/units/changes/{unit_change(h, u)}/undo", {}),
        )
        for method in ("GET", "POST")
    ),
]
LISTS |= {"/flows"}
IN_UNITS += [Try("/repairs/<int:number>", "GET", Action.VIEW, lambda h, u: (f"/repairs/{broken(h, u)}", {}))]
BOOK_ROW = "/book/<table>/<int:number>"
IN_UNITS += [
    Try(BOOK_ROW, method, action, lambda h, u: (f"/book/devices/{device(h, u)}", {}))
    for method, action in (("GET", Action.VIEW), ("POST", Action.KEEP_BOOK))
]
IN_UNITS += [
    Try(
        "/alarms/<int:number>/clear",
        "POST",
        Action.CLEAR_ALARMS,
        lambda h, u: (f"/alarms/{alarm(h, u)}/clear", {}),
    )
]
