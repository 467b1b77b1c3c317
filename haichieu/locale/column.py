"""A message in a column of a table."""

import sqlalchemy as sa

from haichieu.locale.messages import Message


class MessageText(sa.types.TypeDecorator[Message]):
    """A message as JSON text, so that each reader gets it in their language; no message is an empty text."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Message | None, dialect: sa.Dialect) -> str:
        """Serialise."""
        return "" if value is None else value.to_json()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Message | None:
        """Deserialise; text of versions before 0.2.0 is taken verbatim."""
        return Message.from_json(value) if value else None
