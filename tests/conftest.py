"""Fixtures that every part of the suite may use."""

from tests.databases import database
from tests.postgres import postgres_cluster, postgres_url

__all__ = ["database", "postgres_cluster", "postgres_url"]
