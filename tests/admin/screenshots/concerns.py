"""Cases of the sample district: written, spoken, late, answered, duplicate."""

import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from broadcast_bridge.programmes import intake
from feedback.answers.replies import Answer, advance, answer
from feedback.cases import case_search, duplicates
from feedback.cases.case_lifecycle import Opening, Said, happen, open_case
from feedback.cases.notes import add_note
from feedback.citizens.registry import open_citizens
from feedback.models import Category, Transcript
from feedback.states import CaseEvent, Channel, Direction, ReplyEvent, Way
from haichieu.database import now
from haichieu.locale import message
from haichieu.media import MediaStore
from haichieu.people import Account, Unit
from haichieu.speech.synthesis import EspeakSynthesiser
from tests.builders.sounds import kept

DAY = datetime.timedelta(days=1)
WORKER = "account:trucban@baolac.example"
SPOKEN = (
    "Cầu treo ở xóm Nà Lùng bị hỏng mấy tấm ván hai tháng nay rồi, trẻ con đi học qua đó rất nguy hiểm, "
    "đề nghị xã cho người đến sửa."
)
_WRITTEN = (
    ("1", "BL-CB-1", 16.0, "Cầu treo Nà Lùng mất ván, trẻ con đi học qua rất nguy hiểm, đề nghị xã sửa."),
    ("2", "BL-CP", 0.9, "Gia đình tôi thuộc hộ nghèo, đã nộp hồ sơ trợ cấp từ tháng Chín mà chưa thấy trả lời."),
    ("3", "BL-TT", 0.3, "Có người gọi xưng là công an, bảo chuyển tiền để khỏi bị bắt. Đây có phải lừa đảo không?"),
    ("1", "BL-CP-2", 14.0, "Mất điện ở Cà Đổng ba ngày nay, gọi điện lực không ai nghe máy."),
    ("1", "BL-CB-2", 5.0, "Mương nước ở đồng Phiêng Mòn bị vỡ, lúa của năm nhà ngập hết."),
    ("2", "BL-CB", 3.2, "Xin hỏi thẻ bảo hiểm y tế của người cao tuổi đổi ở đâu?"),
    ("1", "BL", 2.1, "Loa ở chợ Bảo Lạc nói nhỏ quá, bà con không nghe được bản tin sáng."),
    ("", "BL-CB", 1.4, "Đề nghị đài phát thêm bản tin bằng tiếng Tày cho người già."),
)
_ANSWERS = {
    4: "Xã đã cử đội thủy lợi đến đắp lại mương, chiều mai nước sẽ vào đồng.",
    5: "Mời bác mang thẻ cũ và căn cước đến bộ phận một cửa của xã, các sáng thứ Hai đến thứ Sáu.",
}


def concerns(session: Session, store: MediaStore, home: Path) -> None:
    """Open them all, the newest spoken one last."""
    book = open_citizens(home)
    units = {unit.code: unit.id for unit in session.scalars(sa.select(Unit))}
    categories = {one.code: one for one in session.scalars(sa.select(Category))}
    for number, (category, unit, days, text) in enumerate(_WRITTEN):
        at = now() - days * DAY
        citizen = book.meet(session, f"+8498765432{number}", at) if number != 7 else None
        about = Opening(Channel.TEXT, units[unit], "number", citizen, categories.get(category))
        case = open_case(session, about, Said(Direction.IN, Channel.TEXT, "citizen", text), at)
        if number in (1, 3):
            case.assignee = session.scalars(sa.select(Account).where(Account.email == WORKER[8:])).one()
            happen(session, case, CaseEvent.ASSIGN, WORKER, at + DAY / 8)
        if number in _ANSWERS:
            ways = [Way.TEXT, Way.CALL]
            given = answer(session, case, Answer(WORKER, ways, _ANSWERS[number]), at + DAY / 4)
            for event in (ReplyEvent.BEGIN, ReplyEvent.SEND, ReplyEvent.DELIVER):
                advance(session, given.replies[0], event, at + DAY / 4)
            advance(session, given.replies[1], ReplyEvent.BEGIN, at + DAY / 4)
            busy = message("call.answer.busy")
            advance(session, given.replies[1], ReplyEvent.FAIL, at + DAY / 3, busy)
        case_search.index(session, case)
    _spoken(session, store, units["BL-CB-1"], categories["1"], book.meet(session, "+84987654399", now()))


def _spoken(session: Session, store: MediaStore, unit: int, category: Category, citizen: object) -> None:
    with store.scratch() as folder:
        ready = intake.ready_text(SPOKEN, "vi", EspeakSynthesiser(), Path(folder))
        sound = kept(session, store, ready.forms.narrow)
    at = now() - DAY / 30
    said = Said(Direction.IN, Channel.CALL, "citizen", sound=sound)
    case = open_case(session, Opening(Channel.CALL, unit, "number", citizen, category, "citizen"), said, at)  # type: ignore[arg-type]
    words = SPOKEN.split()
    step = (sound.seconds or 10.0) / len(words)
    timed = [
        {"w": f" {word}", "s": n * step, "e": (n + 0.9) * step, "p": 0.34 if word == "ván" else 0.93}
        for n, word in enumerate(words)
    ]
    session.add(
        Transcript(
            message_id=case.messages[0].id, text=SPOKEN, original_text=SPOKEN, engine="faster-whisper", model="base",
            language="vi", confidence=0.62, doubtful=True, words=timed, made_at=at + DAY / 900,
        )
    )  # fmt: skip
    happen(session, case, CaseEvent.TRANSCRIBE, "system", at + DAY / 900)
    add_note(session, case, "Đã gọi trưởng xóm Nông Văn Thành: đúng là mất bốn tấm ván.", WORKER, at + DAY / 90)
    case_search.index(session, case)
    session.flush()
    duplicates.link(session, case)
