"""What applying a district file changed, as data: for people, for the audit trail, for programs. Never a secret."""

from dataclasses import dataclass, field
from enum import StrEnum

from haichieu.locale import Message, message


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

    def message(self) -> Message:
        """Return the report for a person, one change per line."""
        lines = [change.message() for change in self.changes]
        if not self.made:
            lines.append(message("district.nothing_to_change"))
        elif self.dry_run:
            lines.append(message("district.only_shown"))
        return Message.lines(lines)

    def as_json(self) -> dict[str, object]:
        """For a program."""
        changes = [
            {"table": change.table, "key": change.key, "action": str(change.action), "fields": list(change.fields)}
            for change in self.changes
        ]
        return {"dry_run": self.dry_run, "changed": bool(self.made), "changes": changes}
