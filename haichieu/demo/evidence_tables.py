"""Tables of the demonstration's evidence."""

from rich.table import Table

from haichieu.command_language import say
from haichieu.demo.programmes import OnSpeaker


def table_of(title: str, *columns: str) -> Table:
    """Return an empty table with these columns of the catalogue."""
    table = Table(title=title)
    for column in columns:
        table.add_column(say(f"demo.column.{column}"))
    return table


def table_of_speakers(title: str, heard: list[OnSpeaker]) -> Table:
    """Return what each speaker heard."""
    table = table_of(title, "speaker", "state", "alike", "seconds")
    for item in heard:
        table.add_row(item.speaker, item.delivery, f"{item.correlation:.2f}", f"{item.seconds_of_speech:.1f}")
    return table
