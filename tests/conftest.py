"""Fixtures that every part of the suite may use, and how its tests are selected, grouped and ordered."""

import gc
import os

import hypothesis
import pytest
import structlog

from tests.cheap_hashes import use_cheap_hashes
from tests.cheap_sounds import use_cheap_sounds
from tests.examples import examples

PLUGINS = ("tests.databases", "tests.postgres", "tests.station.stations", "tests.groups")
"""Modules whose fixtures and hooks are for every test."""

PROOF = bool(os.environ.get("HAICHIEU_PROOF"))
"""Set by `make proof`: run everything, and everything that uses a database on both."""

COMPUTING = 10
"""Niceness of a worker from its first test that makes no call: a call that waits for the processor loses sound."""

OBJECTS_PER_COLLECTION = 50_000
"""Instead of 700: searching for garbage in the objects of all libraries took a sixth of the suite's time."""

gc.disable()  # while modules are imported and tests collected, almost everything stays
hypothesis.settings.register_profile("suite", max_examples=examples(100), derandomize=not PROOF)
hypothesis.settings.load_profile("suite")
structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback  # without colours
use_cheap_hashes()  # before any builder is imported: some hash a PIN or password once per process
use_cheap_sounds()  # before anything imports the conversion by its name


def pytest_configure(config: pytest.Config) -> None:
    """Import the fixtures, except in the process that only shares the tests out among the workers."""
    if not config.getoption("numprocesses", None):
        for name in PLUGINS:
            config.pluginmanager.import_plugin(name)


def pytest_collection_finish() -> None:
    """Collect garbage from here on, and only in what the tests make."""
    gc.freeze()
    gc.set_threshold(OBJECTS_PER_COLLECTION)
    gc.enable()


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long proofs to `make proof`, and give every test the group whose tests run on one worker."""
    if not PROOF:
        left = {item for item in items if _is_for_proof_only(item, config)}
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(_group(item)))
    from tests.groups import group_of  # imported before it is a plugin, its assertions could not be rewritten

    items.sort(key=_place_in_order)
    places: dict[object, int] = {}
    for item in items:
        places.setdefault(group_of(item), len(places))
    items.sort(key=lambda item: places[group_of(item)])  # the whole group one after the other, on one worker too


def _place_in_order(item: pytest.Item) -> tuple[bool, bool, bool]:
    """Workers take groups in this order: calls take longest, campaigns fill the machine, files fill the last gaps."""
    is_campaign = "/campaigns/" in item.nodeid
    return item.get_closest_marker("calls") is None, is_campaign, _group(item) != "browser"


def _is_for_proof_only(item: pytest.Item, config: pytest.Config) -> bool:
    if item.get_closest_marker("proof") is not None:
        return "proof" not in config.option.markexpr
    return _is_on_postgresql(item) and item.get_closest_marker("both_databases") is None


def _is_on_postgresql(item: pytest.Item) -> bool:
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    return parameters.get("database") == "postgresql"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the workers that compute leave the processor to those that are on the telephone."""
    if "PYTEST_XDIST_WORKER" in os.environ and item.get_closest_marker("calls") is None and os.nice(0) < COMPUTING:
        os.nice(COMPUTING - os.nice(0))


def _group(item: pytest.Item) -> str:
    """Calls share one Asterisk, page tests one browser and web process, the tests of any other file its fixtures.

    Tests that name a group themselves share a station that may be broken, or are heavy: two at once are too much.
    The few tests that need PostgreSQL share its server; with all of them, every worker has one.
    """
    if item.get_closest_marker("calls") is not None:
        return "station"
    if not {"chromium", "web"}.isdisjoint(getattr(item, "fixturenames", ())):
        return "browser"
    if _is_on_postgresql(item) and not PROOF:
        return "postgresql"
    return item.nodeid.partition("::")[0]
