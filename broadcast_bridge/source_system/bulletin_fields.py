"""Fields of bulletins: the names of their codes (LoaiLinhVuc), as a portal of a province uses them."""

from haichieu.locale import Message, message, render

CODES = ("1", "2", "3", "4", "5", "6")


def field_name(field: str) -> Message:
    """Return the name of a field: of a known code, of another number, or the words that the source uses."""
    if field in CODES:
        return message(f"bulletin_field.code_{field}")
    return message("bulletin_field.other", number=field) if field.isdigit() else Message.verbatim(field)


def category_of(field: str) -> str:
    """Return the category of a programme that is made of a bulletin: a word of the station, which is Vietnamese."""
    return render(field_name(field), "vi") if field else ""
