import pytest

from haichieu.database import Database
from haichieu.people import Unit
from ivr.calls.routing import Number, number_of_texts, unit_of_texts, unit_texted


@pytest.fixture
def units(database: Database) -> dict[str, int]:
    with database.session() as session:
        district = Unit(code="BL", name="Bảo Lạc", level="district")
        session.add(district)
        session.flush()
        commune = Unit(code="CB", name="Cô Ba", level="commune", parent_id=district.id)
        session.add(commune)
        session.flush()
        session.add(Number(number="1900", flow="official-line", unit_id=district.id))
        return {"district": district.id, "commune": commune.id}


def test_a_number_texted_belongs_to_its_unit_in_whichever_spelling(database: Database, units: dict[str, int]) -> None:
    with database.session() as session:
        session.add(Number(number="02063870222", flow="hotline", unit_id=units["commune"]))
        session.flush()
        for spelling in ("02063870222", "+842063870222", "0206 3870 222"):
            assert unit_texted(session, spelling) == units["commune"]
        assert unit_texted(session, "1900") == units["district"]
        assert unit_texted(session, "4711") is None
        assert (unit_of_texts(session), number_of_texts(session)) == (units["commune"], "02063870222")


def test_without_a_hotline_texts_are_the_highest_units(database: Database, units: dict[str, int]) -> None:
    with database.session() as session:
        assert (unit_of_texts(session), number_of_texts(session)) == (units["district"], "1900")
