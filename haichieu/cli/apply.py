"""`haichieu apply`: the database made to match a district file."""

import json
from pathlib import Path

from haichieu.database import Database, migrate
from haichieu.district.reconcile import apply_file
from haichieu.settings import Settings
from haichieu.vault import open_vault
from ivr.flows.definition import delivered_flows


def run_apply(settings: Settings, file: Path, *, dry_run: bool, prune: bool, as_json: bool) -> None:
    """Apply and print what changed. Raises DistrictFileError with every mistake, by line."""
    migrate(settings.resolved_database_url)
    database = Database(settings.resolved_database_url)
    vault = open_vault(settings.home.absolute())
    report = apply_file(database, vault, file, delivered_flows(), dry_run=dry_run, prune=prune, actor="command line")
    print(json.dumps(report.as_json(), ensure_ascii=False) if as_json else report.text())
