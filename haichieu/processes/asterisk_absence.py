"""The alarm about an Asterisk that stays away; a restart takes a few seconds and needs nobody."""

import datetime

from sqlalchemy.orm import Session

from haichieu.alarms import AlarmKind, alarm_is_over, raise_alarm
from haichieu.locale import message

AWAY = datetime.timedelta(seconds=30)


class AsteriskAbsence:
    """Follows the connection to the Asterisk of a node, which the alarm `asterisk_down` names."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._since: datetime.datetime | None = None
        self._may_be_open = True
        """An earlier switchboard may have raised the alarm."""

    def note(self, session: Session, at: datetime.datetime, *, connected: bool) -> None:
        """Raise the alarm once Asterisk has been away for `AWAY`; it is over when Asterisk is back."""
        if not connected:
            self._since = self._since or at
            if at - self._since >= AWAY:
                self._may_be_open = True
                raise_alarm(session, AlarmKind.ASTERISK_DOWN, self._node, message("asterisk.down", since=self._since))
            return
        self._since = None
        if self._may_be_open:
            alarm_is_over(session, AlarmKind.ASTERISK_DOWN, self._node)
            self._may_be_open = False
