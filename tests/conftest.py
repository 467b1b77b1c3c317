"""Fixtures that every part of the suite may use, and the order in which it is run."""

import pytest

from tests.databases import database, migrated_sqlite
from tests.postgres import postgres_cluster, postgres_url

__all__ = ["database", "migrated_sqlite", "postgres_cluster", "postgres_url"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that place calls: they take longest, and the short ones fill the gaps at the end."""
    items.sort(key=lambda item: item.get_closest_marker("calls") is None)
