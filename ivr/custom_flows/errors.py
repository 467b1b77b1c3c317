"""Errors of custom flows; the package shows them as a tree."""

from haichieu.errors import HaiChieuError, NotFound, UsageError


class NoSuchFlow(NotFound):
    """There is no flow of this name."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.not_found", flow=flow[:60])


class NoSuchVersion(NotFound):
    """The flow has no version of this number."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__("flow.no_such_version", flow=flow, number=number)


class AlreadyInUse(HaiChieuError):
    """The flow already uses this version."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__("flow.already_in_use", flow=flow, number=number)


class NoDraft(HaiChieuError):
    """There is no draft of this flow."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.no_draft", flow=flow)


class NoReason(HaiChieuError):
    """A version needs a reason."""

    def __init__(self) -> None:
        super().__init__("flow.no_reason")


class FlowChangedMeanwhile(HaiChieuError):
    """Another user changed the draft, or published, meanwhile."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.changed_meanwhile", flow=flow)


class StepRefused(UsageError):
    """The change of a step was refused."""
