"""The sliders of the partner, up to what the machine plays."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.jam.jam_tab import JamTab
from app.widgets.labelled_slider import LabelledSlider
from fmvae_core.jam.rules import How, Mode
from fmvae_core.live.jam_messages import MachinePhrase
from tests.app.conftest import PATIENCE
from tests.app.jam.conftest import show


@pytest.fixture
def tab(flatjam: Application, qtbot: QtBot) -> JamTab:
    """A jam that is begun by the machine, quickly."""
    tab = show(flatjam, qtbot)
    flatjam.jam_choices.choose(mode=Mode.MACHINE_FIRST, no_repeat=False)
    flatjam.session.edit("Set the tempo", tempo=240.0)
    return tab


def drag_to(qtbot: QtBot, slider: LabelledSlider, part: float) -> None:
    """Press the track at a part of its length."""
    track = slider.track
    x = round(track.margin + part * (track.width() - 2 * track.margin))
    qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=QPoint(x, track.height() // 2))


def next_answer(flatjam: Application, qtbot: QtBot, count: int = 1) -> MachinePhrase:
    """Return the machine's next answer but ``count`` less one."""
    answers: list[MachinePhrase] = []
    flatjam.engine.jam.machine_phrase.connect(answers.append)
    fresh = (How.FINAL, How.PREPARED)
    qtbot.waitUntil(lambda: len([a for a in answers if a.how in fresh]) >= count, timeout=PATIENCE)
    flatjam.engine.jam.machine_phrase.disconnect(answers.append)
    return [a for a in answers if a.how in fresh][count - 1]


def test_sliders_change_what_the_machine_answers_while_it_plays(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    panel, bundle = tab.partner_panel, flatjam.session.bundle
    assert bundle is not None
    drag_to(qtbot, panel.adventure, 0.0)
    assert panel.adventure.text == "0 hits changed  (σ 0.00)"  # before anything was answered
    tab.view.map.landmark_clicked.emit(5)
    assert "half" not in panel.pull.text
    drag_to(qtbot, panel.pull, 1.0)
    assert panel.pull.text == "100% of the way"

    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    first = next_answer(flatjam, qtbot)
    # No adventure, all the way to the landmark: that is what is played.
    assert first.z_machine == pytest.approx(bundle.landmarks.z[5].tolist(), abs=1e-5)
    assert first.sigma == 0.0

    drag_to(qtbot, panel.adventure, 1.0)
    assert panel.adventure.text.startswith("32 hits changed")
    told = panel.adventure.text
    second = next_answer(flatjam, qtbot, count=2)  # one may have been asked for before
    assert second.z_machine is not None
    assert second.sigma is not None
    assert second.sigma > 0.0
    assert np.linalg.norm(np.subtract(second.z_machine, bundle.landmarks.z[5])) > 0.1
    assert f"σ {second.sigma:.2f}" in told


def test_the_pull_says_why_it_cannot_and_goes_to_anchors_and_styles(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    panel, bundle = tab.partner_panel, flatjam.session.bundle
    assert bundle is not None
    state = flatjam.session.state
    assert state.a is not None
    assert state.a.label in panel.pull_to.currentText()
    flatjam.session.edit("Forget A", a=None)
    assert not panel.pull.track.isEnabled()
    assert "pin A" in panel.pull.toolTip()

    titles = [panel.pull_to.itemText(index) for index in range(panel.pull_to.count())]
    styles = [title for title in titles if title.startswith("Style: ")]
    assert styles
    flatjam.jam_choices.choose(pull_to=f"style:{styles[0].removeprefix('Style: ')}", pull=0.5)
    assert panel.pull.track.isEnabled()
    assert panel.pull_to.currentText() == styles[0]
    # A landmark of one map is none of another's.
    tab.view.map.landmark_clicked.emit(5)
    assert flatjam.jam_choices.choices.pull_to == "landmark:5"
    flatjam.session.open_bundle(bundle)
    assert flatjam.jam_choices.choices.pull_to == "A"


def test_asks_are_told_in_units_and_zero_asks_nothing(
    flatjam: Application, tab: JamTab, qtbot: QtBot
) -> None:
    slider = tab.partner_panel.asks["density"]
    drag_to(qtbot, slider, 0.75)
    assert flatjam.jam_choices.choices.asks == {"density": 12.0}
    assert slider.text == "+12 hits"
    drag_to(qtbot, slider, 0.5)
    assert flatjam.jam_choices.choices.asks == {}
    assert slider.text == "as it comes"
    late = tab.partner_panel.asks["offset"]
    drag_to(qtbot, late, 1.0)
    slow = late.text
    flatjam.session.edit("Set the tempo", tempo=60.0)
    assert late.text != slow
    assert late.text.endswith(" ms")
