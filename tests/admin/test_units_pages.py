"""The page of units: the tree, forms with their previews, undoing, and old names in the search."""

import re

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from broadcast_bridge.models import Speaker
from haichieu import audit
from haichieu.people import Unit
from haichieu.units.models import UnitChange
from tests.builders.house import Browser, House

ADMIN, ABOVE = "admin@x.example", "admin@district.example"


def confirmed(browser: Browser, path: str, **fields: object) -> TestResponse:
    """Send a form and confirm its preview."""
    shown = browser.post(path, **fields)
    assert shown.status_code == 200, shown.text
    mark = re.search(r'name="confirmed" value="(\w+)"', shown.text)
    assert mark
    return browser.post(path, confirmed=mark[1], **fields)


def unit(house: House, name: str) -> Unit:
    with house.database.session() as session:
        return session.get_one(Unit, house.units[name])


def changes(house: House) -> int:
    with house.database.reading() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(UnitChange)).one()


def undo_of_newest(house: House) -> str:
    """Return the path that undoes the newest change; previews, which are rolled back, may have used up numbers."""
    with house.database.reading() as session:
        return f"/units/changes/{session.scalars(sa.select(sa.func.max(UnitChange.id))).one()}/undo"


@pytest.fixture
def hamlet(house: House) -> int:
    """A second village in the commune, with a speaker."""
    with house.database.session() as session:
        made = Unit(code="HAMLET", name="Xóm Mới", level="village", parent_id=house.units["commune"])
        session.add(made)
        session.flush()
        session.add(Speaker(code="loa-hamlet", name="Loa xóm", unit_id=made.id))
        house.units["hamlet"] = made.id
        return made.id


def test_tree_shows_ones_own_units_with_their_forms(house: House) -> None:
    shown = house.signed_in(ADMIN).get("/units").text
    assert "Đơn vị commune" in shown
    assert f"/units/{house.units['village']}/merge" in shown
    assert "Đơn vị other" not in shown
    assert "Chưa có thay đổi nào" in shown
    assert "/units" in house.signed_in(ADMIN).get("/accounts").text
    assert house.signed_in("editor@x.example").get("/units").status_code == 403


def test_preview_lists_everything_and_changes_nothing(house: House, hamlet: int) -> None:
    browser = house.signed_in(ADMIN)
    path = f"/units/{house.units['village']}/merge"
    assert "Xóm Mới" in browser.get(path).text
    shown = browser.post(path, units=str(hamlet), name="Thôn Hợp Nhất")
    assert "Sáp nhập Xóm Mới vào Đơn vị village, lấy tên mới là Thôn Hợp Nhất" in shown.text
    assert "1 cụm loa → Thôn Hợp Nhất: Loa xóm" in shown.text
    assert "Khu vực 13 Khu village: 1 → 2 cụm loa" in shown.text
    assert changes(house) == 0
    again = browser.post(path, units=str(hamlet), name="Thôn Hợp Nhất", again="yes").text
    assert f'value="{hamlet}" checked' in again
    assert 'value="Thôn Hợp Nhất"' in again


def test_confirmed_merge_is_found_by_its_old_names_and_undone(house: House, hamlet: int) -> None:
    browser = house.signed_in(ADMIN)
    path = f"/units/{house.units['village']}/merge"
    assert confirmed(browser, path, units=str(hamlet), name="Thôn Hợp Nhất").status_code == 303
    assert unit(house, "hamlet").retired_at is not None
    for words in ("xom moi", "don vi village", "hamlet"):
        found = browser.get(f"/search?q={words}").text
        assert "Thôn Hợp Nhất" in found
        assert f"/units#unit-{house.units['village']}" in found
    assert "/speakers?unit=VILLAGE" in house.signed_in("viewer@x.example").get("/search?q=xom moi").text
    assert "Xóm Mới" in browser.get("/units").text
    assert "Xóm Mới" not in browser.get("/speakers/0/edit").text
    assert "Xóm Mới" in browser.get("/broadcasts").text
    undo = undo_of_newest(house)
    assert "Hoàn tác: Sáp nhập Xóm Mới" in browser.get(undo).text
    assert confirmed(browser, undo).status_code == 303
    assert (unit(house, "hamlet").retired_at, unit(house, "village").name) == (None, "Đơn vị village")
    assert "đã được hoàn tác" in browser.get(undo).text


def test_confirmation_of_other_effects_shows_the_new_ones(house: House, hamlet: int) -> None:
    browser = house.signed_in(ADMIN)
    path = f"/units/{house.units['village']}/merge"
    shown = browser.post(path, units=str(hamlet), confirmed="0" * 64)
    assert "Số liệu vừa thay đổi" in shown.text
    assert changes(house) == 0


def test_split_asks_where_each_speaker_goes(house: House) -> None:
    browser = house.signed_in(ABOVE)
    path = f"/units/{house.units['commune']}/split"
    assert "Loa commune" in browser.get(path).text
    with house.database.reading() as session:
        speaker = session.query(Speaker).filter_by(code="loa-commune").one().id
    village = house.units["village"]
    refused = browser.post(path, **{"name-2": "Xã Mới", f"units-{village}": "2"})
    assert refused.status_code == 422
    assert "Chưa chọn nơi cho Loa commune" in refused.text
    assert f'id="hint-speakers-{speaker}"' in refused.text
    fields = {"name-2": "Xã Mới", f"units-{village}": "2", f"speakers-{speaker}": "0"}
    assert confirmed(browser, path, **fields).status_code == 303
    with house.database.reading() as session:
        new = session.query(Unit).filter_by(code="COMMUNE-2").one()
        assert (new.name, new.parent_id) == ("Xã Mới", house.units["district"])
    assert unit(house, "village").parent_id == new.id


@pytest.mark.parametrize(
    ("step", "fields", "words"),
    [
        ("rename", {"name": ""}, "1 đến 200"),
        ("rename", {"name": "Đơn vị other"}, "Đã có đơn vị tên"),
        ("merge", {}, "Hãy chọn đơn vị"),
        ("merge", {"units": "99999"}, "Hãy chọn đơn vị"),
        ("merge", {"units": "commune"}, "chính nó"),
        ("move", {}, "Hãy chọn đơn vị cấp trên"),
        ("move", {"parent": "village"}, "cấp dưới"),
        ("split", {}, "ít nhất một đơn vị mới"),
        ("split", {"name-3": "Xã Mới", "code-3": "Mã sai"}, "không dùng được"),
        ("split", {"name-1": "Đơn vị other"}, "Đã có đơn vị tên"),
    ],
)
def test_bad_form_is_shown_again_with_its_problem(house: House, step: str, fields: dict[str, str], words: str) -> None:
    typed = {name: str(house.units.get(value, value)) for name, value in fields.items()}
    refused = house.signed_in(ABOVE).post(f"/units/{house.units['commune']}/{step}", **typed)
    assert refused.status_code == 422
    assert words in refused.text
    assert changes(house) == 0


def test_units_outside_ones_rights_are_neither_offered_nor_taken(house: House) -> None:
    browser, commune = house.signed_in(ADMIN), house.units["commune"]
    assert "Đơn vị other" not in browser.get(f"/units/{commune}/merge").text
    assert browser.post(f"/units/{commune}/merge", units=str(house.units["other"])).status_code == 403
    assert browser.post(f"/units/{house.units['village']}/move", parent=str(house.units["other"])).status_code == 403
    assert browser.post(f"/units/{commune}/split", **{"name-1": "Xã Mới"}).status_code == 403
    assert browser.get(f"/units/{commune}/dissolve").status_code == 404
    assert browser.get("/units/99999/merge").status_code == 404
    assert browser.get("/units/changes/77/undo").status_code == 404
    confirmed(house.signed_in(ABOVE), f"/units/{commune}/merge", units=str(house.units["other"]))
    assert browser.get(undo_of_newest(house)).status_code == 200
    assert house.signed_in("admin@x.example").get("/units").status_code == 200


@pytest.mark.parametrize(
    ("name", "step", "words"),
    [
        ("commune", "move", "Chưa có nơi để chuyển Đơn vị commune."),
        ("village", "merge", "Chưa có đơn vị nào sáp nhập được vào Đơn vị village."),
        ("commune", "split", "Hãy nhờ người quản trị của Đơn vị district chia tách Đơn vị commune."),
        ("village", "rename", "đã được sáp nhập vào Đơn vị commune"),
    ],
)
def test_form_of_an_impossible_change_says_why(house: House, name: str, step: str, words: str) -> None:
    browser = house.signed_in(ADMIN)
    if step == "rename":
        confirmed(browser, f"/units/{house.units['commune']}/merge", units=str(house.units["village"]))
    shown = browser.get(f"/units/{house.units[name]}/{step}").text
    assert words in shown
    assert ">Xem trước<" not in shown


def test_level_of_new_units_follows_from_the_unit_above(house: House) -> None:
    browser = house.signed_in(ABOVE)
    shown = browser.get("/units/new").text
    assert '<option value="">Theo đơn vị cấp trên' in shown
    for parent, name in (("district", "Xã Mới"), ("commune", "Xóm Mới"), ("village", "Tổ 1")):
        assert browser.post("/units/new", parent=str(house.units[parent]), level="", names=name).status_code == 303
    with house.database.reading() as session:
        made = {one.name: one.level for one in session.query(Unit).filter(Unit.name.in_(["Xã Mới", "Xóm Mới", "Tổ 1"]))}
    assert made == {"Xã Mới": "commune", "Xóm Mới": "village", "Tổ 1": "village"}


def test_villages_of_a_commune_are_added_together(house: House) -> None:
    browser, commune = house.signed_in(ADMIN), house.units["commune"]
    assert f'href="/units/new?parent={commune}"' in browser.get("/units").text
    form = browser.get(f"/units/new?parent={commune}").text
    assert f'<option value="{commune}" selected>' in form
    assert "Đơn vị other" not in form
    names = "Xóm  Cốc Xả\r\n\r\nNA-PHAC = Xóm Nà Phạc\r\nXóm Bản Chang"
    added = browser.post("/units/new", parent=str(commune), level="village", names=names)
    assert added.status_code == 303
    assert "Đã thêm 3 đơn vị: Xóm Cốc Xả (COMMUNE-1), Xóm Nà Phạc (NA-PHAC)" in browser.get("/units/new").text
    with house.database.reading() as session:
        made = session.query(Unit).filter_by(parent_id=commune, level="village").order_by(Unit.id).all()
        assert [one.name for one in made[-3:]] == ["Xóm Cốc Xả", "Xóm Nà Phạc", "Xóm Bản Chang"]
        assert [entry.subject for entry in audit.find(session) if entry.action == "unit.add"][-1:] == ["unit:COMMUNE-1"]
    assert "Xóm Bản Chang" in browser.get("/speakers/0/edit").text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"names": ""}, "Hãy ghi từ 1 đến 200 tên"),
        ({"names": "Xóm Mới\nxóm mới"}, "Đã có đơn vị tên xóm mới"),
        ({"names": "Đơn vị village"}, "Đã có đơn vị tên Đơn vị village"),
        ({"names": "COMMUNE = Xóm Mới"}, "Mã COMMUNE đã có"),
        ({"names": "mã sai = Xóm Mới\nXóm Khác"}, "không dùng được"),
        ({"level": "commune"}, "phải cao hơn"),
        ({"level": "province"}, "Hãy chọn cấp"),
        ({"parent": "x"}, "Hãy chọn đơn vị cấp trên"),
    ],
)
def test_unusable_new_unit_adds_none_of_them(house: House, fields: dict[str, str], words: str) -> None:
    sent = {"parent": str(house.units["commune"]), "level": "village", "names": "Xóm Mới", **fields}
    refused = house.signed_in(ADMIN).post("/units/new", **sent)
    assert (refused.status_code, words in refused.text) == (422, True)
    with house.database.reading() as session:
        assert session.query(Unit).filter(Unit.name.in_(["Xóm Mới", "Xóm Khác"])).all() == []
