"""Maps to look at."""

import pytest

from tests.app.widgets.maps import clusters, shown_map


@pytest.fixture
def points():
    return clusters(300)


@pytest.fixture
def latent_map(qtbot, points):
    return shown_map(qtbot, points)
