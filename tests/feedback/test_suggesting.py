import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feedback.cases.suggestions import category_for, unit_for
from feedback.models import Category, Department
from haichieu.folded_text import folded, without_tones
from haichieu.people import Level, Unit

OFFICE = Department(id=1, code="p", name="Phòng")
ROADS = Category(
    id=1, code="1", name="Hạ tầng", department=OFFICE, keywords=["đường", "điện", "nước", "cầu", "mương", "tổ"]
)
BENEFITS = Category(id=2, code="2", name="Chính sách", department=OFFICE, keywords=["trợ cấp", "hộ nghèo", "chế độ"])
DISTRICT = Unit(id=1, code="BL", name="Huyện Bảo Lạc", level=Level.DISTRICT)
BELOW = [
    Unit(id=2, code="CB", name="Xã Cô Ba", level=Level.COMMUNE, parent_id=1),
    Unit(id=3, code="CP", name="Xã Cốc Pàng", level=Level.COMMUNE, parent_id=1),
    Unit(id=4, code="TT", name="Thị trấn Bảo Lạc", level=Level.COMMUNE, parent_id=1),
    Unit(id=5, code="CP-ND", name="Xóm Nà Đôm", level=Level.VILLAGE, parent_id=3),
    Unit(id=6, code="CB-B", name="Xóm Ba", level=Level.VILLAGE, parent_id=2),
]


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("Mất điện hai ngày rồi, nước cũng không có", "keywords: điện, nước"),
        ("mat dien o xom toi", "keywords: điện"),
        ("MẤT ĐIỆN!!!", "keywords: điện"),
        ("Cấu treo bị hỏng", "keywords: cầu"),  # recognition gets tones wrong first
        ("Nhà tôi là hộ nghèo mà chưa có trợ cấp", "keywords: trợ cấp, hộ nghèo"),
        ("nha toi la ho ngheo", "keywords: hộ nghèo"),
        ("Trợ cấp cho hộ nghèo làm đường", "keywords: trợ cấp, hộ nghèo"),  # more words say more
        ("Hộ tôi nghèo", None),
        ("Tôi muốn hỏi giá thóc", None),
        ("diễn văn nghệ ở nhà văn hóa", None),  # neither a tone nor a missing diacritic away from "điện"
        ("dienmay", None),  # whole words
        ("", None),
    ],
)
def test_a_category_is_guessed_from_whole_words_despite_diacritics(text: str, because: str | None) -> None:
    found = category_for(text, [ROADS, BENEFITS])
    assert (found.because if found else None) == because


def test_a_tie_is_no_guess() -> None:
    one = Category(id=3, code="3", name="Một", department=OFFICE, keywords=["điện"])
    other = Category(id=4, code="4", name="Hai", department=OFFICE, keywords=["nước"])
    assert category_for("mất điện, mất nước", [one, other]) is None
    found = category_for("mất điện, mat nuoc", [one, other])
    assert found is not None
    assert found.category is one


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("Cầu ở cốc pàng hỏng", "place: Cốc Pàng"),
        ("cau o coc pang hong", "place: Cốc Pàng"),
        ("Ở xã Cốc Páng", "place: Cốc Pàng"),
        ("Xóm Nà Đôm, xã Cốc Pàng", "place: Nà Đôm"),  # the village is in the commune
        ("Từ Cô Ba đến Cốc Pàng", None),
        ("Xóm Nà Đôm gần xã Cô Ba", None),
        ("Ở thị trấn Bảo Lạc", "place: Bảo Lạc"),
        ("Ở Bảo Lạc", None),  # district or town?
        ("Huyện Bảo Lạc", None),
        ("Nhà có ba con bò", None),  # "có ba" is not "Cô Ba"
        ("ba con bò", None),
        ("ở xóm Ba", "place: Ba"),
        ("", None),
    ],
)
def test_a_unit_is_guessed_from_the_names_of_places(text: str, because: str | None) -> None:
    found = unit_for(text, DISTRICT, BELOW)
    assert (found.because if found else None) == because


def test_a_place_elsewhere_means_nothing() -> None:
    assert unit_for("ở Cốc Pàng", BELOW[0], [BELOW[4]]) is None


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = folded(text)
    assert folded(once) == once
    assert "  " not in once
    assert without_tones(without_tones(text)) == without_tones(text)


@settings(deadline=None)
@given(st.text())
def test_whatever_is_said_a_guess_can_be_made_or_not(text: str) -> None:
    category_for(text, [ROADS, BENEFITS])
    unit_for(text, DISTRICT, BELOW)
