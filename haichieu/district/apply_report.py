"""Report of applying a district file, as data for people, programs and the audit trail; never contains secrets."""

from dataclasses import dataclass, field
from enum import StrEnum

from haichieu.locale import Message, message


class Action(StrEnum):
    """Kinds of changes."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RETIRED = "retired"
    """Taken out of use; its row stays because the log refers to it."""
    IN_USE = "in_use"
    """Not in the file any more, but still referred to, mostly by the log."""
    MERGED = "merged"
    """Left unchanged: a unit that was merged into another; entries that name it belong to the other."""
    NOT_IN_FILE = "not_in_file"
    """Left unchanged: it is not in the file, and --prune was not given."""


@dataclass(frozen=True)
class Change:
    """One thing that was changed: its table, its key, and which of its fields."""

    table: str
    key: str
    action: Action
    fields: tuple[str, ...] = ()

    def message(self) -> Message:
        """Return the change as a line for a person."""
        action = message(f"district.change.{self.action}")
        if self.fields:
            return message("district.changed_fields", table=self.table, key=self.key, fields=self.fields, action=action)
        return message("district.changed", table=self.table, key=self.key, action=action)


@dataclass
class ApplyReport:
    """All changes that one run made, or would make."""

    dry_run: bool
    changes: list[Change] = field(default_factory=list)

    def note(self, table: str, key: str, action: Action, *fields: str) -> None:
        """Add a change."""
        self.changes.append(Change(table, key, action, fields))

    def note_once(self, table: str, key: str, action: Action) -> None:
        """Add a change, unless this run has noted it."""
        if Change(table, key, action) not in self.changes:
            self.note(table, key, action)

    def has_added(self, table: str, key: str) -> bool:
        """Return whether this run added the entry."""
        return Change(table, key, Action.ADDED) in self.changes

    @property
    def made(self) -> list[Change]:
        """The changes that modified a row."""
        left = (Action.NOT_IN_FILE, Action.IN_USE, Action.MERGED)
        return [change for change in self.changes if change.action not in left]

    def message(self) -> Message:
        """Return the report for a person, one change per line."""
        lines = [change.message() for change in self.changes]
        if not self.made:
            lines.append(message("district.nothing_to_change"))
        elif self.dry_run:
            lines.append(message("district.only_shown"))
        return Message.lines(lines)

    def as_json(self) -> dict[str, object]:
        """Return the report for a program."""
        changes = [
            {"table": change.table, "key": change.key, "action": str(change.action), "fields": list(change.fields)}
            for change in self.changes
        ]
        return {"dry_run": self.dry_run, "changed": bool(self.made), "changes": changes}
