"""What can be wrong with a flow, each mistake with its place and a sentence for its author."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from haichieu.errors import UsageError


class MistakeKind(Enum):
    """The kinds of mistakes, with their sentences in Vietnamese and English; `{0}`, `{1}` are the details."""

    NOT_A_FLOW = ("không đúng dạng: {0}", "is not of the right shape: {0}")
    MISSING_FIELD = ("thiếu {0}", "lacks {0}")
    TWICE_IN_AN_OBJECT = ("tên {0} xuất hiện hai lần", "the name {0} stands there twice")
    WRONG_VERSION = (
        "phiên bản định dạng {0} không đọc được, chương trình này đọc phiên bản {1}",
        "format version {0} cannot be read, this program reads version {1}",
    )
    SAME_ID_TWICE = ("hai nút cùng mã {0}", "two nodes have the id {0}")
    NO_SUCH_ENTRY = ("bắt đầu ở nút {0} không tồn tại", "begins at {0}, which does not exist")
    NO_CALL_BACK_ENTRY = (
        "có phát trực tiếp nhưng thiếu call_back_entry",
        "goes live but has no call_back_entry",
    )
    MISSING_EXIT = ("thiếu lối ra {0}", "lacks the exit {0}")
    UNKNOWN_EXIT = ("không có lối ra tên {0} cho động từ này", "has an exit {0} that its verb does not know")
    NO_SUCH_NODE = ("lối ra {0} dẫn tới nút {1} không tồn tại", "its exit {0} leads to {1}, which does not exist")
    UNREACHABLE = ("không lối nào dẫn tới", "cannot be reached")
    NO_PROMPT = ("thiếu lời thoại {0} cho ngôn ngữ {1}", "its prompt {0} cannot be said in {1}")
    VALUE_NOT_KNOWN = (
        "cần giá trị {0} mà chưa nút nào trước đó cho biết",
        "needs {0}, which is not known on every way that leads here",
    )
    NO_DESK_FOR_CITIZENS = (
        "là việc cho người dân, không dùng được trên đường dây này",
        "serves citizens, which this line does not",
    )
    NOT_FOR_OFFICIALS = (
        "đường dây này là của cán bộ, phải có bước authenticate",
        "is for officials: they must sign in",
    )
    NOT_FOR_CITIZENS = (
        "đường dây này không đòi đăng nhập, không dùng được bước authenticate",
        "is for everybody: nobody can be asked to sign in",
    )
    NO_ENTRY_FOR_CALLS_OUT = (
        "đài gọi đi theo kịch bản này nên cần call_back_entry",
        "needs call_back_entry: the station itself places such calls",
    )
    OTHER_NAME = ("tự gọi là {0}, phải là {1}", "calls itself {0}, but is {1}")
    ENDLESS = (
        "nằm trong vòng lặp không chờ người gọi: {0}",
        "is part of a loop that never waits for the caller: {0}",
    )


@dataclass(frozen=True)
class Mistake:
    """One mistake. `place` is a node's id, or "flow" for the whole."""

    kind: MistakeKind
    place: str
    details: tuple[str, ...] = ()

    def sentence(self, language: str = "vi") -> str:
        """Say it to the flow's author, in Vietnamese or English, with its place."""
        return f"{self.place}: {self.words(language)}"

    def words(self, language: str = "vi") -> str:
        """Say it where the place is plain. A detail may have two halves itself."""
        side = 1 if language == "en" else 0
        halves = ((detail.partition(" / ")[::2]) for detail in self.details)
        details = [(vietnamese, english or vietnamese)[side] for vietnamese, english in halves]
        return self.kind.value[side].format(*details)


class FlowMistakes(UsageError):
    """A flow cannot be used; `mistakes` says all that is wrong with it."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(f"{each.sentence('vi')} / {each.sentence('en')}" for each in self.mistakes))
