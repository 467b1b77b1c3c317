"""Rights used by text: only in the sender's own case, and only by the words for it."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from feedback.citizens.models import Consent, DataRequest
from feedback.citizens.registry import CitizenBook, open_citizens
from feedback.models import Case
from feedback.texts.rights_by_text import command_in
from feedback.texts.text_inbox import Filed, InboundText, TextInbox
from haichieu.database import Database, now
from haichieu.people import Unit
from tests.builders.cases import case, office
from tests.builders.outgoing import RULE, none_is_ours

LAN, OTHER = "+84912000011", "+84912000012"


@pytest.fixture
def book(tmp_path: Path) -> CitizenBook:
    return open_citizens(tmp_path)


@pytest.fixture
def number(database: Database, book: CitizenBook) -> str:
    with database.session() as session:
        return case(session, office(session), citizen=book.meet(session, LAN, now())).number


def text(database: Database, book: CitizenBook, body: str, sender: str = LAN) -> Filed:
    def unit_for(session: sa.orm.Session, number: str) -> int | None:
        return session.scalar(sa.select(Unit.id).where(Unit.code == "BL-CB"))

    inbox = TextInbox(database, book, unit_for, RULE, none_is_ours)
    return inbox.take(InboundText(sender, "1022", body))


def count(database: Database, what: type[Case | Consent | DataRequest]) -> int:
    with database.session() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(what)).one()


@pytest.mark.parametrize("words", ["XOA {}", "Xóa {}.", "xoá phản ánh {}", "{} xoa"])
def test_erasure_is_asked_by_text_and_confirmed(database: Database, book: CitizenBook, number: str, words: str) -> None:
    filed = text(database, book, words.format(number))
    assert (filed.case_number, "yêu cầu xóa" in filed.say) == (number, True)
    assert (count(database, DataRequest), count(database, Case)) == (1, 1)


def test_consent_by_text_is_proved_by_it_and_withdrawn_as_easily(
    database: Database, book: CitizenBook, number: str
) -> None:
    assert "đồng ý" in text(database, book, f"DONG Y PHAT LOA {number}").say
    with database.session() as session:
        consent = session.scalars(sa.select(Consent)).one()
        assert (consent.purpose, consent.form, consent.message_id is not None) == ("answer", "text", True)
    assert "Đã rút" in text(database, book, f"Rút đồng ý {number}").say
    with database.session() as session:
        assert session.scalars(sa.select(Consent.withdrawn_at)).one() is not None


@pytest.mark.parametrize("words", ["Phản đối {}", "KHONG DONG Y PHAT LOA {}", "Rút đồng ý {}"])
def test_sender_who_never_consented_objects_by_text(
    database: Database, book: CitizenBook, number: str, words: str
) -> None:
    assert "phản đối" in text(database, book, words.format(number)).say
    with database.session() as session:
        asked = session.scalars(sa.select(DataRequest)).one()
        assert (asked.kind, asked.channel, asked.state) == ("objection", "text", "open")


@pytest.mark.parametrize("body", ["Đồng ý {}", "Xóa cột điện cũ giúp, {}", "Không đồng ý {}", "XOA 12345678"])
def test_other_words_are_an_ordinary_message(database: Database, book: CitizenBook, number: str, body: str) -> None:
    assert text(database, book, body.format(number)).say == ""
    assert (count(database, DataRequest), count(database, Consent)) == (0, 0)


def test_case_of_another_sender_is_not_touched(database: Database, book: CitizenBook, number: str) -> None:
    assert text(database, book, f"XOA {number}", OTHER).say == ""
    assert (count(database, DataRequest), count(database, Case)) == (0, 2)


def test_commands_are_read_with_and_without_diacritics() -> None:
    assert [command_in(one) for one in ("Bản sao", "ban sao", "DELETE", "xóa nhà")] == [
        "access", "access", "erasure", None,
    ]  # fmt: skip
