"""The rule for outgoing calls and texts, as most stations have it."""

from sqlalchemy.orm import Session

from haichieu.outgoing import OutgoingRule, Use

RULE = OutgoingRule(frozenset({"VN"}), dict.fromkeys(Use, 100))


def none_is_ours(_: Session, __: str) -> bool:
    """Say that no number is the station's own."""
    return False
