"""The station book of the pictures: stations, devices, plan, training and budget of the year."""

import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.station_book.book_entries import Reach, read_row, save
from broadcast_bridge.station_book.book_tables import TABLES
from haichieu.database import now
from haichieu.people import Unit
from tests.builders.days import local_day

YEAR = local_day(now()).year
_STATIONS = (
    ("D-CB", "Đài truyền thanh xã Cô Ba", "BL-CB", "ict", "good", "yes"),
    ("D-CP", "Đài truyền thanh xã Cốc Pàng", "BL-CP", "fm", "broken", "no"),
)
_DEVICES = (
    ("TB-001", "Cụm loa Cô Ba 1", "BL-CB", "ict_cluster", "good", "cb-01", "0007421", "350123456789012", 400),
    ("TB-002", "Cụm loa Nà Lùng", "BL-CB-1", "ict_cluster", "worn", "cb-03", "0007422", "350123456789020", 20),
    ("TB-003", "Tăng âm 250 W", "BL-CP", "amplifier", "broken", "", "A-1182", "", None),
    ("TB-004", "Máy phát FM 50 W", "BL-CP", "transmitter", "worn", "", "FM-0031", "", None),
)
_BUDGET = (
    ("central", "stations", "Chương trình MTQG dân tộc thiểu số", "900000000", "850000000", "612500000"),
    ("local", "repairs", "", "60000000", "60000000", "41230000"),
    ("donors", "training", "Quỹ Vì trẻ em vùng cao", "25000000", "25000000", "25000000"),
)


def book(session: Session) -> None:
    """Fill the book."""
    reach = Reach(session, set(session.scalars(sa.select(Unit.id))))
    today = local_day(now())

    def keep(table: str, **typed: str) -> None:
        save(session, TABLES[table], read_row(TABLES[table], typed, reach), "test", today)

    for code, name, unit, technology, condition, connected in _STATIONS:
        keep("stations", code=code, name=name, unit=unit, technology=technology, condition=condition,
             connected=connected, since_year="2019")  # fmt: skip
    for code, name, unit, kind, condition, speaker, serial, imei, days in _DEVICES:
        until = (today + datetime.timedelta(days=days)).isoformat() if days else ""
        keep("devices", code=code, name=name, unit=unit, device_kind=kind, condition=condition, speaker=speaker,
             serial=serial, imei=imei, sim_until=until, sim_carrier="Viettel" if until else "")  # fmt: skip
    keep("inspections", unit="BL-CB", device="TB-001", finding="passed",
         inspected_on=(today - datetime.timedelta(days=30)).isoformat())  # fmt: skip
    keep("plans", work="Chuyển đài FM Cốc Pàng sang CNTT - viễn thông", year=str(YEAR), unit="BL-CP",
         plan_kind="convert", plan_state="under_way", station="D-CP", cost="450000000", fund="central")  # fmt: skip
    keep("plans", work="Thiết lập đài thị trấn", year=str(YEAR), unit="BL-TT", plan_kind="new",
         plan_state="approved", cost="420000000", fund="central")  # fmt: skip
    keep("needs", topic="Biên tập tin", year=str(YEAR), unit="BL", audience="broadcasters", people="6")
    keep("courses", code="L1", name="Biên tập tin trên điện thoại", unit="BL", starts_on=f"{YEAR}-04-20")
    for person, unit, result in (("Nông Văn Thành", "BL-CB-1", "certified"), ("Lý Thị Lan", "BL-CP", "present")):
        keep("attendance", course="L1", person=person, unit=unit, attended=result)
    for fund, purpose, programme, planned, allocated, spent in _BUDGET:
        keep("budget", fund=fund, purpose=purpose, programme=programme, year=str(YEAR), unit="BL", planned=planned,
             allocated=allocated, spent=spent)  # fmt: skip
