import numpy as np
import pytest

from app.widgets.distance_plot import DistancePlot
from tests.app.widgets.pictures import picture


@pytest.fixture
def plot(qtbot):
    plot = DistancePlot()
    qtbot.addWidget(plot)
    plot.resize(300, 52)
    plot.show()
    qtbot.waitExposed(plot)
    return plot


def newest(image):
    """Return the row of the bright dot at the right end."""
    rows, _ = np.nonzero(image[:, 270:].min(axis=2) > 215)
    assert rows.size
    return rows.mean()


def test_the_newest_distance_is_told(plot):
    assert plot.accessibleDescription() == "no exchange yet"
    plot.set_distances([1.5, 2.254])
    assert plot.accessibleDescription().startswith("2.25 ")
    assert "2.25" in plot.toolTip()
    plot.set_distances([])
    assert plot.accessibleDescription() == "no exchange yet"


def test_height_is_distance(plot):
    places = []
    for value in (0.0, 2.0, 4.0):
        plot.set_distances([4.0, 1.0, value])
        places.append(newest(picture(plot)))
    assert places[0] > places[1] > places[2]
    assert places[0] - places[1] == pytest.approx(places[1] - places[2], abs=2)


@pytest.mark.parametrize("values", [[0.0], [0.0, 0.0], [1e-3], list(range(1, 700))])
def test_any_number_of_turns_fits(plot, values):
    plot.set_distances(values)
    assert newest(picture(plot)) < 52


def test_what_is_no_distance_is_refused(plot):
    for value in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not negative"):
            plot.set_distances([1.0, value])
    assert plot.accessibleDescription() == "no exchange yet"
