import numpy as np
import pytest

from app.theme import COLOURS
from app.widgets.colours import rgb
from app.widgets.jam_banner import JamBanner
from fmvae_core.jam.rules import State
from tests.app.widgets.pictures import picture


@pytest.fixture
def banner(qtbot):
    banner = JamBanner()
    qtbot.addWidget(banner)
    banner.resize(900, banner.sizeHint().height())
    banner.show()
    qtbot.waitExposed(banner)
    return banner


def ink(image, name):
    """Return rows and columns of the pixels in a colour of the theme."""
    return np.nonzero(np.abs(image - rgb(COLOURS[name]) * 255).max(axis=2) < 10)


@pytest.mark.parametrize(
    ("state", "word", "tone"),
    [
        (State.IDLE, "READY", "text"),
        (State.COUNT_IN, "COUNT-IN", "text"),
        (State.LISTENING, "YOU PLAY", "human"),
        (State.ANSWERING, "MACHINE", "machine"),
    ],
)
def test_each_state_has_its_word_in_its_colour(banner, state, word, tone):
    banner.show_state(state, 1, 2, 1, 120.0)
    assert banner.word == word
    assert word.lower() in banner.accessibleName()
    rows, columns = ink(picture(banner), tone)
    left = columns < 450
    # From two metres: the word is a third of the banner's height at least.
    assert np.ptp(rows[left & (columns > 20)]) > banner.height() / 3


def test_the_dot_of_the_beat_moves_to_the_right(banner):
    banner.show_state(State.LISTENING, 1, 2, 1, 120.0)
    before, places = picture(banner), []
    for beat in (2, 3, 4):
        banner.show_state(State.LISTENING, 1, 2, beat, 120.0)
        after = picture(banner)
        _, columns = ink(after, "human")
        dots = columns > 600
        places.append(columns[dots].mean())
        assert (after != before).any()
        before = after
    assert places == sorted(places)
    assert places[-1] - places[0] > 60


def test_the_bar_is_shown_and_told(banner):
    banner.show_state(State.ANSWERING, 1, 2, 1, 120.0)
    first = picture(banner)
    assert banner.accessibleDescription() == "bar 1 of 2"
    banner.show_state(State.ANSWERING, 2, 2, 1, 120.0)
    assert (picture(banner) != first).any()
    assert banner.accessibleDescription() == "bar 2 of 2"


def test_what_it_waits_for_is_told(banner):
    banner.show_getting_ready("The model is loading.")
    assert banner.word == "GETTING READY"
    assert banner.accessibleDescription() == "The model is loading."
    loading = picture(banner)
    banner.show_getting_ready("The engine is starting.")
    assert (picture(banner) != loading).any()


def test_all_fits_in_a_narrow_compact_banner(qtbot):
    banner = JamBanner(compact=True)
    qtbot.addWidget(banner)
    assert banner.sizeHint().height() < JamBanner().sizeHint().height() / 2
    banner.resize(banner.minimumSizeHint())
    banner.show_state(State.COUNT_IN, 1, 1, 4, 120.0)
    image = picture(banner)
    ground = image[2, -2]
    assert (np.abs(image[:, -3:] - ground).max() < 12).all(), "something is cut off at the right"
    banner.compact = False
    assert banner.minimumSizeHint().height() == JamBanner().minimumSizeHint().height()
