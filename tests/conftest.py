"""Fixtures that every part of the suite may use, and how its tests are selected, grouped and ordered."""

import os

import pytest

from tests.admin.browsing import BROWSER
from tests.cheap_hashes import use_cheap_hashes
from tests.databases import database, migrated_sqlite
from tests.postgres import postgres_cluster, postgres_url
from tests.station.stations import breakable_station, shared_station, speeches

__all__ = [
    "breakable_station",
    "database",
    "migrated_sqlite",
    "postgres_cluster",
    "postgres_url",
    "shared_station",
    "speeches",
]

PROOF = bool(os.environ.get("HAICHIEU_PROOF"))
"""Set by `make proof`: run everything, and everything that uses a database on both."""

COMPUTING = 10
"""Niceness of a worker from its first test that makes no call: a call that waits for the processor loses sound."""

use_cheap_hashes()  # before any builder is imported: some hash a PIN or password once per process


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long proofs to `make proof`, and give every test the group whose tests run on one worker."""
    if not PROOF:
        left = [item for item in items if _is_for_proof_only(item, config)]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in set(left)]
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    # Workers take groups in this order. Calls take longest; files fill the gaps at the end.
    items.sort(key=lambda item: (item.get_closest_marker("calls") is None, _group(item) != "browser"))


def _is_for_proof_only(item: pytest.Item, config: pytest.Config) -> bool:
    if item.get_closest_marker("proof") is not None:
        return "proof" not in config.option.markexpr
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return parameters.get("database") == "postgresql" and item.get_closest_marker("both_databases") is None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the workers that compute leave the processor to those that are on the telephone."""
    if "PYTEST_XDIST_WORKER" in os.environ and item.get_closest_marker("calls") is None and os.nice(0) < COMPUTING:
        os.nice(COMPUTING - os.nice(0))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Close the browser after its last test: its event loop would count as running in every later test."""
    if _group(item) == "browser" and (nextitem is None or _group(nextitem) != "browser"):
        BROWSER.close()


def _group(item: pytest.Item) -> str:
    """Calls share one Asterisk, page tests one browser and web process, the tests of any other file its fixtures."""
    if item.get_closest_marker("calls") is not None:
        return "station"
    if not {"chromium", "web"}.isdisjoint(getattr(item, "fixturenames", ())):
        return "browser"
    return item.nodeid.partition("::")[0]
