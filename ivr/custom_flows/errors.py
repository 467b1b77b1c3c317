"""What is refused about the station's own flows; the tree of them is drawn in the package."""

from haichieu.errors import HaiChieuError, NotFound, UsageError


class NoSuchFlow(NotFound):
    """The program knows no flow of this name."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.not_found", flow=flow[:60])


class NoSuchVersion(NotFound):
    """The flow has no version of this number."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__("flow.no_such_version", flow=flow, number=number)


class AlreadyInUse(HaiChieuError):
    """Going back to what calls follow as it is changes nothing."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__("flow.already_in_use", flow=flow, number=number)


class NoDraft(HaiChieuError):
    """There is no draft of this flow."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.no_draft", flow=flow)


class NoReason(HaiChieuError):
    """A version says why it was published."""

    def __init__(self) -> None:
        super().__init__("flow.no_reason")


class FlowChangedMeanwhile(HaiChieuError):
    """Somebody else changed the draft, or published, since the one who asks has looked."""

    def __init__(self, flow: str) -> None:
        super().__init__("flow.changed_meanwhile", flow=flow)


class StepRefused(UsageError):
    """A step cannot be what was asked for."""
