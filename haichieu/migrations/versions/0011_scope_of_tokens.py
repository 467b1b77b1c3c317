"""API tokens with scope and end, which another password of the account ends too."""

import datetime
import hashlib
from typing import Any

import sqlalchemy as sa
from alembic import op

import haichieu.database

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

SCOPE = ["view", "read_cases", "work_on_cases", "air", "announce", "emergency"]
"""What tokens could do before: everything that the API offers and the account may do."""
DAYS = 365
ADDED: dict[str, sa.types.TypeEngine[Any]] = {
    "password_mark": sa.String(64),
    "scope": sa.JSON(),
    "expires_at": haichieu.database.UtcDateTime(timezone=True),
}


def upgrade() -> None:
    """Apply. Tokens of earlier releases end a year from now."""
    with op.batch_alter_table("api_tokens") as batch_op:
        for name, kind in ADDED.items():
            batch_op.add_column(sa.Column(name, kind, nullable=True))
    _fill()
    with op.batch_alter_table("api_tokens") as batch_op:
        for name, kind in ADDED.items():
            batch_op.alter_column(name, existing_type=kind, nullable=False)


def downgrade() -> None:
    """Take back."""
    with op.batch_alter_table("api_tokens") as batch_op:
        for name in ADDED:
            batch_op.drop_column(name)


def _fill() -> None:
    numbers = (sa.column("id", sa.Integer), sa.column("account_id", sa.Integer))
    tokens = sa.table("api_tokens", *numbers, *(sa.column(name, kind) for name, kind in ADDED.items()))
    accounts = sa.table("accounts", sa.column("id", sa.Integer), sa.column("password_hash", sa.String))
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=DAYS)
    found = sa.select(tokens.c.id, accounts.c.password_hash).join(accounts, accounts.c.id == tokens.c.account_id)
    for number, password in op.get_bind().execute(found).all():
        mark = hashlib.sha256(password.encode()).hexdigest()
        about = {"password_mark": mark, "scope": SCOPE, "expires_at": end}
        op.execute(tokens.update().where(tokens.c.id == number).values(**about))
