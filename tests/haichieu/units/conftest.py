"""A tree of units in two tiers."""

import pytest

from haichieu.database import Database
from tests.builders.two_tiers import Tiers, two_tiers


@pytest.fixture
def tiers(database: Database) -> Tiers:
    with database.session() as session:
        return two_tiers(session)
