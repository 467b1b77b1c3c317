"""The rule for outgoing calls and texts, as most stations have it."""

from haichieu.outgoing import OutgoingRule, Use

RULE = OutgoingRule(frozenset({"VN"}), dict.fromkeys(Use, 100))
