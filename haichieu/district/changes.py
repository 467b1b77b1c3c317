"""What applying a district file changed, as data: for people, for the audit trail, for programs. Never a secret."""

from dataclasses import dataclass, field
from enum import StrEnum


class Action(StrEnum):
    """What was done to one thing."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RETIRED = "retired"
    """Taken out of use; its row stays because the log speaks of it."""
    IN_USE = "in_use"
    """The file no longer mentions it, but something that stays, the log above all, still refers to it."""
    NOT_IN_FILE = "not_in_file"
    """Left as it is: the file does not mention it, and --prune was not given."""


_WORDS = {
    Action.ADDED: ("thêm", "added"),
    Action.CHANGED: ("sửa", "changed"),
    Action.REMOVED: ("xóa", "removed"),
    Action.RETIRED: ("ngừng dùng", "retired"),
    Action.IN_USE: ("vẫn còn được dùng tới, giữ nguyên", "still referred to, left as it is"),
    Action.NOT_IN_FILE: ("không có trong tệp, giữ nguyên", "not in the file, left as it is"),
}


@dataclass(frozen=True)
class Change:
    """One thing that was changed: its table, its key, and which of its fields."""

    table: str
    key: str
    action: Action
    fields: tuple[str, ...] = ()

    def sentence(self) -> str:
        """Say it in Vietnamese and English."""
        vietnamese, english = _WORDS[self.action]
        fields = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.table} {self.key}{fields}: {vietnamese} / {english}"


@dataclass
class ApplyReport:
    """Everything that one run did, or would do."""

    dry_run: bool
    changes: list[Change] = field(default_factory=list)

    def note(self, table: str, key: str, action: Action, *fields: str) -> None:
        """Add a change."""
        self.changes.append(Change(table, key, action, fields))

    def has_added(self, table: str, key: str) -> bool:
        """Say whether the thing was added by this very run."""
        return Change(table, key, Action.ADDED) in self.changes

    @property
    def made(self) -> list[Change]:
        """The changes that touched something."""
        left = (Action.NOT_IN_FILE, Action.IN_USE)
        return [change for change in self.changes if change.action not in left]

    def text(self) -> str:
        """For a person."""
        lines = [change.sentence() for change in self.changes]
        if not self.made:
            lines.append("Không có gì thay đổi. / Nothing to change.")
        elif self.dry_run:
            lines.append("Chỉ xem trước, chưa thay đổi gì. / Only shown; nothing was changed.")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """For a program."""
        changes = [
            {"table": change.table, "key": change.key, "action": str(change.action), "fields": list(change.fields)}
            for change in self.changes
        ]
        return {"dry_run": self.dry_run, "changed": bool(self.made), "changes": changes}
