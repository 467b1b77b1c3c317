"""The numbering plan for calls that leave: which endpoint a number is reached at."""

import sqlalchemy as sa
from sqlalchemy.orm import Session

from dialplans.models import Phone, Trunk
from haichieu.errors import HaiChieuError
from haichieu.phone_numbers import as_dialled


class NoWayOut(HaiChieuError):
    """No phone has the number and no trunk takes outgoing calls."""


def endpoint_for(session: Session, number: str) -> str:
    """Return what Asterisk dials for an E.164 number: a phone of ours, else the first outgoing trunk.

    Raises NoWayOut.
    """
    phone = session.scalar(sa.select(Phone).where(Phone.caller_number == number))
    if phone is not None:
        return f"PJSIP/{phone.code}"
    trunk = session.scalar(sa.select(Trunk).where(Trunk.outbound).order_by(Trunk.id).limit(1))
    if trunk is None:
        raise NoWayOut(
            "Không có đường trung kế gọi ra. / No trunk takes outgoing calls: "
            "add a [[trunks]] with outbound = true to the district file."
        )
    return f"PJSIP/{as_dialled(number, trunk.prefix_rules)}@{trunk.code}"
