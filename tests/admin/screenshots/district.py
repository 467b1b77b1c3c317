"""A station of three communes in the mountains on an ordinary morning. People, numbers and secrets are made up."""

import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.broadcasts.starting import Request, ask, begin
from broadcast_bridge.broadcasts.states import BroadcastState, DeliveryState, Kind, Priority, Reason
from broadcast_bridge.models import Broadcast, BroadcastSound, Delivery, Reachability, Speaker, Zone
from broadcast_bridge.programmes import approval, intake, survey
from broadcast_bridge.programmes.models import Programme
from broadcast_bridge.schedule.editing import Draft, account_as_planner, plan
from broadcast_bridge.schedule.materialise import materialise
from broadcast_bridge.schedule.states import What
from broadcast_bridge.speakers.quiet_hours import silence
from haichieu.account_rights import account_of
from haichieu.alarms import AlarmKind, raise_alarm
from haichieu.database import Database, migrate, now
from haichieu.district.reconcile import apply_file
from haichieu.heartbeats import MAIN, Heartbeat
from haichieu.locale import Message
from haichieu.media import MediaStore
from haichieu.people import Account, Official, OfficialPhone, Role, Unit
from haichieu.speech.synthesis import EspeakSynthesiser
from haichieu.station import the_station
from haichieu.vault import open_vault
from ivr.custom_flows import editor, versions
from ivr.custom_flows.sketch import read_sketch
from ivr.flows.definition import delivered_definition, delivered_flows
from tests.admin.screenshots.book import book
from tests.admin.screenshots.concerns import concerns
from tests.admin.screenshots.work_to_do import work_to_do
from tests.builders.accounts import PASSWORD_HASH
from tests.every_table import load_every_table

EXAMPLE = Path(__file__).parents[3] / "examples" / "bao-lac.toml"
MORNING = 8
"""The time of day in the pictures, whenever they are taken."""
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
ADMIN, EDITOR, APPROVER, OPERATOR = (f"{name}@baolac.example" for name in ("quantri", "bientap", "duyet", "trucban"))

_ACCOUNTS = (
    (EDITOR, "Nông Thị Bích", Role.EDITOR, "BL"), (APPROVER, "Lý Văn Páo", Role.APPROVER, "BL"),
    (OPERATOR, "Hoàng Thị Mai", Role.OPERATOR, "BL"), ("coba@baolac.example", "Nông Văn Hải", Role.OPERATOR, "BL-CB"),
    ("thanhtra@baolac.example", "Bế Thị Hoa", Role.VIEWER, "BL"),
)  # fmt: skip
_VILLAGES = (("BL-CB-1", "Xóm Nà Lùng", "BL-CB"), ("BL-CB-2", "Xóm Phiêng Mòn", "BL-CB"),
             ("BL-CP-1", "Xóm Nà Nhùng", "BL-CP"), ("BL-CP-2", "Xóm Cà Đổng", "BL-CP"))  # fmt: skip
_SPEAKERS = (
    ("cb-03", "Nhà văn hóa Nà Lùng", "BL-CB-1", 22.987, 105.724),
    ("cb-04", "Trường học Phiêng Mòn", "BL-CB-2", 22.955, 105.742),
    ("cb-05", "Chợ Cô Ba", "BL-CB", 22.973, 105.698), ("cp-02", "Nhà văn hóa Nà Nhùng", "BL-CP-1", 22.905, 105.655),
    ("cp-03", "Trạm y tế Cốc Pàng", "BL-CP", 22.918, 105.631), ("cp-04", "Xóm Cà Đổng", "BL-CP-2", 22.889, 105.679),
    ("tt-01", "Quảng trường Bảo Lạc", "BL-TT", 22.949, 105.671), ("tt-02", "Chợ Bảo Lạc", "BL-TT", 22.945, 105.676),
)  # fmt: skip
_PLACES = {"cb-02": (22.962, 105.719), "cp-01": (22.911, 105.642), "tt-lan": (22.952, 105.666)}
_AWAY = {"cp-04", "cb-02"}
_OFFICIALS = (
    ("1003", "Lý Thị Lan", "Phó Chủ tịch UBND xã Cốc Pàng", "BL-CP", "+84912000003", ["12"], ["live", "record"]),
    ("1004", "Nông Văn Thành", "Trưởng xóm Nà Lùng", "BL-CB-1", "+84912000004", ["11"], ["live"]),
)
_TEXTS = (
    ("Lịch tiêm phòng cho trẻ em tháng Mười hai", "Y tế", "Trạm y tế xã Cô Ba mời các gia đình có con dưới hai tuổi "
     "đưa cháu đến tiêm phòng vào sáng thứ Năm tuần này, từ bảy giờ đến mười một giờ."),
    ("Phòng chống rét cho trâu bò", "Nông nghiệp", "Trời sắp rét đậm. Bà con che chắn chuồng trại, dự trữ rơm khô, và "
     "không thả trâu bò khi nhiệt độ dưới mười hai độ."),
    ("Cảnh giác cuộc gọi giả danh công an", "An ninh", "Công an không yêu cầu chuyển tiền qua điện thoại. Ai nhận cuộc "
     "gọi như vậy xin báo ngay cho Công an xã."),
    ("Họp xóm Nà Lùng", "Thông báo", "Mời bà con xóm Nà Lùng đến họp, bàn việc sửa cầu treo và đường vào xóm."),
    ("Lịch cắt điện ngày thứ Sáu", "Thông báo", "Điện lực Bảo Lạc cắt điện xã Cốc Pàng từ tám giờ đến mười một giờ."),
)  # fmt: skip


def build_district(home: Path) -> Database:
    """Fill a station in `home`; the accounts have the password of `tests.builders.accounts`."""
    url = f"sqlite:///{home / 'haichieu.sqlite'}"
    migrate(url)
    load_every_table()
    database = Database(url)
    apply_file(database, open_vault(home), EXAMPLE, delivered_flows(), dry_run=False, prune=False, actor="command line")
    store = MediaStore(home / "media", 0)
    with database.session() as session:
        the_station(session).timezone = _where_it_is_morning()
        _people(session)
        _speakers(session, home)
        sounds = _programmes(session, store)
        _schedules(session, sounds)
        _log(session, sounds)
        concerns(session, store, home)
        _on_air(session)
        _signs_of_life(session)
        _flow_at_work(session)
        book(session)
        work_to_do(session)
    return database


def _flow_at_work(session: Session) -> None:
    """Start a draft of the hotline with another greeting."""
    built_in = delivered_definition("hotline")
    changed = read_sketch(built_in)
    editor.change_step(changed, "greeting", "greeting", {"prompt": "duty-desk-closed"}, {"next": "main-menu"})
    versions.save_draft(session, "hotline", changed.text, versions.mark_of(built_in), f"account:{ADMIN}", now())


def _where_it_is_morning() -> str:
    ahead = (MORNING - now().hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def _unit(session: Session, code: str) -> int:
    return session.scalars(sa.select(Unit.id).where(Unit.code == code)).one()


def _people(session: Session) -> None:
    for code, name, above in _VILLAGES:
        session.add(Unit(code=code, name=name, level="village", parent_id=_unit(session, above)))
    session.flush()
    account_of(session, ADMIN).password_hash = PASSWORD_HASH
    for email, name, role, unit in _ACCOUNTS:
        session.add(
            Account(email=email, name=name, role=role, unit_id=_unit(session, unit), password_hash=PASSWORD_HASH)
        )
    for code, name, title, unit, phone, zones, may in _OFFICIALS:
        found = list(session.scalars(sa.select(Zone).where(Zone.code.in_(zones))))
        official = Official(
            code=code, name=name, title=title, unit_id=_unit(session, unit), pin_hash="x", may=may, zones=found
        )
        official.phones.append(OfficialPhone(number=phone))
        session.add(official)


def _speakers(session: Session, home: Path) -> None:
    locked = open_vault(home).lock("doi-mat-khau-ngay")
    for code, name, unit, latitude, longitude in _SPEAKERS:
        session.add(
            Speaker(
                code=code, name=name, unit_id=_unit(session, unit), latitude=latitude, longitude=longitude,
                password_locked=locked,
            )
        )  # fmt: skip
    session.flush()
    for speaker in session.scalars(sa.select(Speaker).order_by(Speaker.code)).all():
        speaker.latitude, speaker.longitude = _PLACES.get(speaker.code, (speaker.latitude, speaker.longitude))
        if speaker.is_multicast:
            continue
        speaker.reachable, speaker.node = speaker.code not in _AWAY, "main"
        speaker.reachable_since = now() - (3 * HOUR if speaker.reachable else 20 * HOUR)
        periods = [(True, now() - 9 * DAY), (False, now() - 4 * HOUR), (True, now() - 3 * HOUR)]
        if not speaker.reachable:
            periods = [(True, now() - 9 * DAY), (False, now() - 20 * HOUR)]
        for (reachable, since), after in zip(periods, [*periods[1:], None], strict=True):
            session.add(
                Reachability(speaker=speaker, reachable=reachable, since=since, until=after[1] if after else None)
            )


def _programmes(session: Session, store: MediaStore) -> list[Programme]:
    author = f"account:{EDITOR}"
    made = []
    for number, (title, category, text) in enumerate(_TEXTS):
        at = now() - (6 - number) * DAY
        with store.scratch() as folder:
            ready = intake.ready_text(text, "vi", EspeakSynthesiser(), Path(folder))
            about = intake.About(title, _unit(session, "BL"), author, "Nông Thị Bích", category)
            made.append(one := intake.add(session, store, about, intake.put(store, ready), at))
        approval.submit(session, one, author, at + HOUR)
        if number < 3:
            approval.approve(session, one, f"account:{APPROVER}", at + 2 * HOUR)
        elif number == 3:
            approval.send_back(session, one, f"account:{APPROVER}", "Ghi rõ giờ họp và nơi họp rồi gửi lại.", at + HOUR)
    villages = [_unit(session, code) for code in ("BL-CB", "BL-CP")]
    for number in range(17):
        useful = number % 5 != 0
        survey.vote(session, made[number % 2].id, villages[number % 2], None, now() - DAY, useful=useful)
    return made


def _schedules(session: Session, sounds: list[Programme]) -> None:
    planner = account_as_planner(session, account_of(session, EDITOR))
    zones = {zone.code: zone.id for zone in session.scalars(sa.select(Zone))}
    officials = {one.code: one.id for one in session.scalars(sa.select(Official))}
    monday = (now() - 7 * DAY).date()
    for title, what, hour, zone, more in (
        ("Bản tin sáng", What.PROGRAMME, "05:30", "99", {"programme_id": sounds[0].id, "rrule": "FREQ=DAILY"}),
        ("Nhà nông cần biết", What.PROGRAMME, "17:00", "11",
         {"programme_id": sounds[1].id, "rrule": "FREQ=WEEKLY;BYDAY=TU,TH,SA"}),
        ("Chủ tịch xã nói chuyện", What.LIVE, "18:30", "11",
         {"official_id": officials["1001"], "fallback_programme_id": sounds[2].id, "rrule": "FREQ=WEEKLY;BYDAY=WE"}),
        ("Ngày rằm, mùng một", What.PROGRAMME, "06:30", "12", {"programme_id": sounds[2].id, "lunar": "DAY=1,15"}),
        ("Phòng chống rét", What.PROGRAMME, "17:00", "99",
         {"programme_id": sounds[1].id, "rrule": "FREQ=WEEKLY;BYDAY=FR", "priority": Priority.PRIORITY}),
    ):  # fmt: skip
        starts = datetime.datetime.combine(monday, datetime.time.fromisoformat(hour))
        plan(session, Draft(title, _unit(session, "BL"), (zones[zone],), what, starts, **more), planner, now())
    materialise(session, now() + 40 * DAY, now())
    silence(session, zones["12"], now() + 2 * HOUR, f"account:{OPERATOR}", now())


def _log(session: Session, sounds: list[Programme]) -> None:
    speakers = list(session.scalars(sa.select(Speaker).order_by(Speaker.code)))
    official = session.scalars(sa.select(Official).where(Official.code == "1001")).one()
    rows = [("Bản tin sáng", None, Priority.NORMAL, "Cả ba xã", "99", 3.4),
            ("", official, Priority.NORMAL, "Cô Ba", "11", 27),
            ("Nhà nông cần biết", None, Priority.NORMAL, "Cô Ba", "11", 15.8),
            ("Cảnh báo lũ quét", None, Priority.EMERGENCY, "Cả ba xã", "99", 51)]  # fmt: skip
    for number in reversed(range(14)):
        title, voice, priority, zone, code, hours = rows[number % len(rows)]
        at = now() - (number // 4 * 7 / 4 + 0.2) * DAY - datetime.timedelta(hours=hours)
        one = Broadcast(
            kind=Kind.LIVE if voice else Kind.RECORDED, title=title, official=voice, priority=priority,
            zone_names=zone, zone_codes=[code], state=BroadcastState.ENDED, created_at=at, on_air_at=at, live_at=at,
            ended_at=at + datetime.timedelta(minutes=4), asked_by="" if voice else f"account:{EDITOR}",
            recording=sounds[0].sound if voice else None,
            sounds=[] if voice else [BroadcastSound(position=0, media=sounds[number % 3].sound)],
        )  # fmt: skip
        for place, speaker in enumerate(speakers if code == "99" else [s for s in speakers if s.code[:2] == "cb"]):
            played = speaker.code not in _AWAY
            one.deliveries.append(
                Delivery(
                    speaker=speaker, active=False, attempts=1 if played else 3, ended_at=one.ended_at,
                    state=DeliveryState.PLAYED if played else DeliveryState.MISSED,
                    reason=None if played else Reason.NOT_REGISTERED,
                    first_audio_at=at + datetime.timedelta(milliseconds=180 + 13 * place) if played else None,
                    seconds=238.4 + place / 10 if played else 0.0, packets_sent=11900 if played else 0,
                    packets_lost=place * 3 if played else None, jitter_ms=2.4 + place / 3 if played else None,
                )
            )  # fmt: skip
        session.add(one)


def _on_air(session: Session) -> None:
    official = session.scalars(sa.select(Official).where(Official.code == "1001")).one()
    zone = session.scalars(sa.select(Zone).where(Zone.code == "11")).one()
    at = now() - datetime.timedelta(minutes=3)
    live = Broadcast(
        kind=Kind.LIVE, official=official, zone_names=zone.name, zone_codes=[zone.code], state=BroadcastState.ON_AIR,
        node="main", created_at=at, on_air_at=at, live_at=at,
    )  # fmt: skip
    for speaker in session.scalars(sa.select(Speaker).where(Speaker.code.startswith("cb-"))):
        playing = speaker.reachable
        live.deliveries.append(
            Delivery(
                speaker=speaker, state=DeliveryState.PLAYING if playing else DeliveryState.MISSED, active=playing,
                first_audio_at=at if playing else None, reason=None if playing else Reason.NOT_REGISTERED,
            )
        )  # fmt: skip
    session.add(live)
    text = Request(f"account:{OPERATOR}", "Lịch cắt điện", [], zone_codes=["12"], priority=Priority.PRIORITY)
    begin(session, ask(session, text, now()).id, "main", now())


def _signs_of_life(session: Session) -> None:
    detail = {"asterisk": True, "transcriber": "base"}
    for component in ("switchboard", "worker", "web"):
        session.merge(Heartbeat(node=MAIN, component=component, at=now() + DAY, detail=detail))
    raise_alarm(
        session, AlarmKind.FEED_SILENT, "nguon-tinh",
        Message.verbatim("Nguồn tin của tỉnh im lặng từ 20 phút nay."),
    )  # fmt: skip
