"""Help of the station book: how a column is filled in, in the form and in a sheet, and the names of its files."""

from collections.abc import Mapping

from admin.layout.language import has_text, say, sentence
from admin.station_book.queries import Cell
from broadcast_bridge.station_book.book_tables import BookTable, Column, ValueType, choice_words
from haichieu.district.words_of_tables import plain
from haichieu.locale import FALLBACK
from haichieu.locale.catalogue import catalogue

_SAMPLES = {"stations": "DTT-01", "devices": "TB-005", "courses": "LOP-01"}
"""A code of each table that has codes."""


def hint(table: BookTable, column: Column) -> str:
    """Return the text below the field of a column; empty where its name says enough."""
    if column.name == "code":
        return say("book.hint_code", sample=_SAMPLES[table.name])
    keys = f"book.hint_{column.name}", f"book.hint_{column.value_type.value}"
    return next((say(key) for key in keys if has_text(key)), "")


def how_to_write(table: BookTable, column: Column) -> str:
    """Return how a column is written in a sheet: the words of a choice, else a hint."""
    if column.choices:
        return " · ".join(sentence(choice_words(one)) for one in column.choices)
    if column.value_type is ValueType.DAY:
        return say("book.sheet_day")
    return say("book.sheet_unit") if column.value_type is ValueType.UNIT else hint(table, column)


def entry_title(table: BookTable, shown: Mapping[Column, Cell]) -> str:
    """Return what a row is and which one: its code and name, else what identifies it; `shown` are its cells."""
    names = ("code", "name") if table.by_code else table.key
    words = [str(cell) for column, cell in shown.items() if column.name in names and cell is not None]
    entry = sentence(table.entry)
    return f"{entry[0].upper()}{entry[1:]} {' · '.join(words)}"


def file_name(table: BookTable) -> str:
    """Return the name of a table's file without its extension, in Vietnamese without accents."""
    title = plain(catalogue(FALLBACK).template(table.title.key))
    return f"so-dai-{title.replace(' ', '-')}"
