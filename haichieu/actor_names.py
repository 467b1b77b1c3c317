"""Names of people by what the audit trail calls them."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from haichieu.people import Account, Official


def names_of_actors(session: Session, actors: Collection[str]) -> Mapping[str, str]:
    """Return the names of the accounts and officials among these actors; programs have none."""
    keys: dict[str, list[str]] = {"account": [], "official": []}
    for kind, _, key in (actor.partition(":") for actor in actors):
        keys.get(kind, []).append(key)
    accounts = session.execute(sa.select(Account.email, Account.name).where(Account.email.in_(keys["account"])))
    officials = session.execute(sa.select(Official.code, Official.name).where(Official.code.in_(keys["official"])))
    return {f"account:{email}": name for email, name in accounts} | {
        f"official:{code}": name for code, name in officials
    }
