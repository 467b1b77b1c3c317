"""Names of units in templates: `{{ unit | place }}` names a village together with its commune."""

from flask import Flask, g

from admin.panel import Panel
from haichieu.people import Unit
from haichieu.unit_names import unit_names


def register_places(app: Flask, panel: Panel) -> None:
    """Give templates the filter `place`, of a unit or its id."""

    @app.template_filter("place")
    def place(unit: Unit | int) -> str:
        """Return the name; all names are read once per page."""
        if "unit_names" not in g:
            with panel.database.reading() as session:
                g.unit_names = unit_names(session)
        return str(g.unit_names[unit if isinstance(unit, int) else unit.id])
