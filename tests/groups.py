"""Tests of a group share processes, on one worker, and end them with the last test of the group."""

import pytest

SHARED = ("shared_station", "breakable_station", "chromium", "web")
"""Their fixtures. Idle, a station would take the time of the groups after it, and the event loop of the browser would
count as running in every later test."""

_running: "list[tuple[pytest.FixtureDef[object], pytest.FixtureRequest]]" = []


def group_of(item: pytest.Item) -> object:
    """Return the name of the group of a test."""
    mark = item.get_closest_marker("xdist_group")
    return mark and mark.args[0]


# pytest asks only plugins, and no conftest.py below the root, about fixtures of a whole session.
@pytest.hookimpl(tryfirst=True)  # the hook that sets the fixture up ends the round
def pytest_fixture_setup(fixturedef: "pytest.FixtureDef[object]", request: pytest.FixtureRequest) -> None:
    """Remember what begins to run."""
    if fixturedef.argname in SHARED:
        _running.append((fixturedef, request))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End what runs for a group after its last test; after the last test of all, pytest does so itself."""
    if nextitem is not None and group_of(nextitem) != group_of(item):
        while _running:
            fixture, request = _running.pop()
            fixture.finish(request)
