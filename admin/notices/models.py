"""Tables of push notifications: browsers that receive them, what each account wants, and what is to be sent."""

import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from haichieu.account_rights import Action
from haichieu.database import Base
from haichieu.locale import Message
from haichieu.locale.column import MessageText
from haichieu.people import Account


class NoticeKind(StrEnum):
    """What a user can be notified of; each can be turned off."""

    ALARMS = "alarms"
    APPROVALS = "approvals"
    CASES = "cases"

    @property
    def rights(self) -> tuple[Action, ...]:
        """The actions of which the account needs one: there is nothing for it to do otherwise."""
        return _RIGHTS[self]


_RIGHTS = {
    NoticeKind.ALARMS: (Action.CLEAR_ALARMS,),
    NoticeKind.APPROVALS: (Action.APPROVE, Action.SCHEDULE),
    NoticeKind.CASES: (Action.WORK_ON_CASES,),
}


class PushSubscription(Base):
    """A browser that receives pushes for an account: the address at its push service, and its keys (RFC 8291 §2).

    `password_mark` is as in `WebSession`: another password, or none, ends the subscription.
    """

    __tablename__ = "push_subscriptions"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), index=True)
    endpoint: Mapped[str] = mapped_column(sa.String(1000), unique=True)
    public_key: Mapped[str] = mapped_column(sa.String(100))
    auth_secret: Mapped[str] = mapped_column(sa.String(40))
    password_mark: Mapped[str] = mapped_column(sa.String(64))
    browser: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime.datetime]

    account: Mapped[Account] = relationship()


class NoticeChoice(Base):
    """The kinds that an account wants; without a row it wants all."""

    __tablename__ = "notice_choices"

    account_id: Mapped[int] = mapped_column(sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True)
    kinds: Mapped[list[str]]


class PushNotice(Base):
    """One notice for one browser. `key` names what it is about, so that nothing is sent twice.

    Several that come at once are sent as one; the others have no text.
    """

    __tablename__ = "push_notices"
    __table_args__ = (sa.UniqueConstraint("subscription_id", "key", name="uq_push_notices_subscription_id_key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    subscription_id: Mapped[int] = mapped_column(sa.ForeignKey("push_subscriptions.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str] = mapped_column(sa.String(12))
    text: Mapped[Message | None] = mapped_column(MessageText, nullable=False)
    path: Mapped[str] = mapped_column(sa.String(200))
    created_at: Mapped[datetime.datetime] = mapped_column(index=True)

    subscription: Mapped[PushSubscription] = relationship()
