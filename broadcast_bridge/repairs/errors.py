"""Errors of faults and repairs.

HaiChieuError
├── WrongPoleCode     the code has the wrong length or check digit
├── UnknownPole       no speaker has this code
├── PoleElsewhere     the speaker is outside of the units of the caller
├── PoleRetired       the speaker was taken out of use
├── RepairNotAllowed  the official has no right to repair
├── NoSuchRepair      there is no repair with this number
├── NoSuchReport      a recording belongs to a report that is not there
├── AlreadyOpen       the speaker has another open repair
└── RepairMistakes    fields of a form cannot be read
"""

from collections.abc import Mapping

from haichieu.errors import HaiChieuError, NotAllowed, NotFound, UsageError
from haichieu.locale import Message


class PoleRefused(NotFound):
    """A pole code does not lead to a speaker that the caller may report."""


class WrongPoleCode(PoleRefused):
    """The digits have the wrong length or check digit: they were misread or mistyped."""

    def __init__(self) -> None:
        super().__init__("repair.wrong_code")


class UnknownPole(PoleRefused):
    """No speaker has this code."""

    def __init__(self) -> None:
        super().__init__("repair.unknown_code")


class PoleElsewhere(PoleRefused):
    """The speaker is outside of the units of the number, of the official or of the account; `unit_id` has it."""

    def __init__(self, unit_id: int) -> None:
        self.unit_id = unit_id
        super().__init__("repair.code_elsewhere")


class PoleRetired(PoleRefused):
    """The speaker was taken out of use."""

    def __init__(self, name: str) -> None:
        super().__init__("repair.speaker_retired", name=name)


class RepairNotAllowed(NotAllowed):
    """The official has no right to work on repairs."""

    def __init__(self, code: str) -> None:
        super().__init__("repair.not_allowed", code=code)


class NoSuchRepair(NotFound):
    """There is no repair with this number."""

    def __init__(self, number: int) -> None:
        super().__init__("repair.unknown", number=number)


class NoSuchReport(HaiChieuError):
    """A recording belongs to a report that is not in the database, as after a restored backup."""

    def __init__(self, number: int) -> None:
        super().__init__("repair.no_report", number=number)


class AlreadyOpen(HaiChieuError):
    """The speaker has another open repair; it is to be used instead."""

    def __init__(self, number: int) -> None:
        super().__init__("repair.already_open", number=number)


class RepairMistakes(UsageError):
    """Fields of a form cannot be read; `problems` has a message for each."""

    def __init__(self, problems: Mapping[str, Message]) -> None:
        self.problems = dict(problems)
        super().__init__(Message.lines(self.problems.values()))
