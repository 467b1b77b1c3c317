"""What is refused about the station's own flows; the tree of them is drawn in the package."""

from haichieu.errors import HaiChieuError, NotFound, UsageError


class NoSuchFlow(NotFound):
    """The program knows no flow of this name."""

    def __init__(self, flow: str) -> None:
        super().__init__(f"Không có kịch bản {flow[:60]!r}. / There is no flow {flow[:60]!r}.")


class NoSuchVersion(NotFound):
    """The flow has no version of this number."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__(f"Kịch bản {flow} không có bản số {number}. / The flow {flow} has no version {number}.")


class AlreadyInUse(HaiChieuError):
    """Going back to what calls follow as it is changes nothing."""

    def __init__(self, flow: str, number: int) -> None:
        super().__init__(
            f"Kịch bản {flow} đang dùng chính bản {number}. / The flow {flow} is at version {number} as it is."
        )


class NoDraft(HaiChieuError):
    """There is no draft of this flow."""

    def __init__(self, flow: str) -> None:
        super().__init__(f"Kịch bản {flow} không có bản nháp. / There is no draft of the flow {flow}.")


class NoReason(HaiChieuError):
    """A version says why it was published."""

    def __init__(self) -> None:
        super().__init__("Xin ghi lý do thay đổi. / Say why it is changed.")


class FlowChangedMeanwhile(HaiChieuError):
    """Somebody else changed the draft, or published, since the one who asks has looked."""

    def __init__(self, flow: str) -> None:
        super().__init__(
            f"Người khác vừa thay đổi kịch bản {flow}: xin xem lại rồi làm tiếp. / "
            f"Somebody else has just changed the flow {flow}: look at it again, then go on."
        )


class StepRefused(UsageError):
    """A step cannot be what was asked for."""
