"""`haichieu apply`: make the database match a district file."""

import json
from pathlib import Path

from haichieu.command_language import said
from haichieu.district.reconcile import apply_file
from haichieu.processes.opened_station import open_station
from haichieu.settings import Settings
from ivr.flows.definition import delivered_flows


def run_apply(settings: Settings, file: Path, *, dry_run: bool, prune: bool, as_json: bool) -> None:
    """Apply the file and print what changed. Raises DistrictFileError with every mistake, by line."""
    station = open_station(settings)
    report = apply_file(
        station.database, station.vault, file, delivered_flows(), dry_run=dry_run, prune=prune, actor="command line"
    )
    print(json.dumps(report.as_json(), ensure_ascii=False) if as_json else said(report.message()))
