"""What a newcomer does, on the real window with the real engine and the real model worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.application import Application
from app.widgets.journey_slider import POINTS, STEPS
from app.widgets.value_slider import ValueSlider
from fmvae_core.live.messages import Swapped
from tests.app.conftest import PATIENCE
from tests.app.sound import envelope, likeness, seconds_in


def drag(qtbot: QtBot, slider: ValueSlider, start: float, end: float, moves: int = 8) -> None:
    """Drag a slider's handle with the mouse, between places as parts of the track."""
    width = slider.width() - 2 * slider.margin
    y = slider.height() // 2

    def at(part: float) -> QPoint:
        return QPoint(round(slider.margin + part * width), y)

    qtbot.mousePress(slider, Qt.MouseButton.LeftButton, pos=at(start))
    for move in range(1, moves + 1):
        qtbot.mouseMove(slider, at(start + (end - start) * move / moves))
    qtbot.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=at(end))


def click_landmark(qtbot: QtBot, flatjam: Application, index: int) -> int:
    """Click a landmark's pixel on the map; return the one hit (another may lie before it)."""
    latent_map = flatjam.window.explore.map
    assert latent_map is not None
    assert latent_map.canvas is not None
    bundle = flatjam.session.bundle
    assert bundle is not None
    place = latent_map.canvas.projected(bundle.pca.project(bundle.landmarks.z[index])[None])
    native: QWidget = latent_map.canvas.widget
    pixel = QPointF(float(place.x[0]), float(place.y[0])).toPoint()
    with qtbot.waitSignal(latent_map.landmark_clicked) as clicked:
        qtbot.mouseMove(native, pixel)
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=pixel)
    return int(clicked.args[0])


def outermost(flatjam: Application) -> int:
    """Return a loud landmark that little covers: of those far from the middle, the loudest."""
    bundle = flatjam.session.bundle
    assert bundle is not None
    points = bundle.pca.project(bundle.landmarks.z)
    far = np.argsort(np.linalg.norm(points, axis=1))[-20:]
    return int(far[np.argmax(bundle.landmarks.attributes[far, 1])])


def test_the_first_thing_a_newcomer_can_do_is_press_space_and_drag(
    flatjam: Application, qtbot: QtBot
) -> None:
    view = flatjam.window.explore
    state = flatjam.session.state
    assert state.a is not None
    assert state.b is not None
    assert state.a.z != state.b.z
    assert "Space" in view.map_bar.hint.text()

    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and flatjam.engine.state.playing)
    assert "diamond" in view.map_bar.hint.text()

    swaps: list[Swapped] = []
    flatjam.engine.swapped.connect(swaps.append)
    before = flatjam.explore.phrase
    drag(qtbot, view.journey.slider, 0.0, 1.0)
    qtbot.waitUntil(lambda: flatjam.explore.phrase != before, timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(swaps) > 0, timeout=PATIENCE)
    assert flatjam.session.state.position == pytest.approx(1.0, abs=0.01)
    grid = view.grid_panel.grid
    assert grid is not None
    picture = grid.grab().toImage()
    qtbot.waitUntil(lambda: grid.grab().toImage() != picture, timeout=PATIENCE)  # the playhead

    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and not flatjam.engine.state.playing)


def test_a_click_on_a_landmark_changes_what_sounds(
    flatjam: Application, audio_file: Path, qtbot: QtBot
) -> None:
    flatjam.session.edit("Set the tempo", tempo=240.0)
    loop = 2.0  # seconds: eight beats

    def listen() -> np.ndarray:
        """Two turns of the loop, once what was queued has sounded."""
        begin = seconds_in(audio_file) + 0.5
        qtbot.waitUntil(lambda: seconds_in(audio_file) > begin + 2 * loop, timeout=PATIENCE)
        return envelope(audio_file, begin, 2 * loop)

    flatjam.explore.hear_landmark(0)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and flatjam.engine.state.playing)
    first = listen()
    half = len(first) // 2
    assert first.max() > 0.001

    hit = click_landmark(qtbot, flatjam, outermost(flatjam))
    assert flatjam.session.state.landmark == hit
    with qtbot.waitSignal(flatjam.engine.swapped, timeout=PATIENCE):
        pass
    second = listen()
    assert second.max() > 0.001
    # Each turn of a loop is more like the other turn than like the other groove.
    same = min(likeness(first[:half], first[half:]), likeness(second[:half], second[half:]))
    assert likeness(first[:half], second[:half]) < same - 0.1


def test_a_drag_is_one_entry_and_ctrl_z_restores(flatjam: Application, qtbot: QtBot) -> None:
    session, view = flatjam.session, flatjam.window.explore
    drag(qtbot, view.journey.slider, 0.0, 0.5)
    assert session.state.position == pytest.approx(0.5, abs=0.01)
    assert session.undo.count() == 1
    drag(qtbot, view.attributes["density"].track, 0.5, 0.75)
    assert session.state.asks["density"] == 12
    assert session.undo.count() == 2

    # A shortcut is heard by the active window alone, and by a command that is enabled.
    flatjam.window.activateWindow()
    qtbot.waitUntil(flatjam.window.isActiveWindow, timeout=PATIENCE)
    undo = flatjam.window.actions_table["edit.undo"]
    qtbot.waitUntil(undo.isEnabled, timeout=PATIENCE)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.state.asks.get("density", 0.0) == 0
    assert view.attributes["density"].track.value() == 0
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert session.state.position == 0.0
    assert view.journey.slider.value() == 0
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Z, both)
    assert session.state.position == pytest.approx(0.5, abs=0.01)


def test_a_double_click_resets_without_leaving_an_entry(flatjam: Application, qtbot: QtBot) -> None:
    track = flatjam.window.explore.attributes["velocity"].track
    qtbot.mouseClick(track, Qt.MouseButton.LeftButton, pos=QPoint(20, track.height() // 2))
    qtbot.mouseDClick(track, Qt.MouseButton.LeftButton, pos=QPoint(20, track.height() // 2))
    qtbot.mouseRelease(track, Qt.MouseButton.LeftButton, pos=QPoint(20, track.height() // 2))
    assert flatjam.session.state.asks.get("velocity", 0.0) == 0
    assert flatjam.session.undo.count() == 0


def test_what_is_asked_and_what_is_achieved_are_both_told(
    flatjam: Application, qtbot: QtBot
) -> None:
    slider = flatjam.window.explore.attributes["density"]
    qtbot.waitUntil(lambda: slider.text.endswith("hits"), timeout=PATIENCE)
    drag(qtbot, slider.track, 0.5, 0.6)
    qtbot.waitUntil(lambda: "got" in slider.text, timeout=PATIENCE)
    assert slider.text.startswith("asked +")
    drag(qtbot, slider.track, 0.6, 0.0)
    qtbot.waitUntil(lambda: "asked −24 hits ▸ got" in slider.text, timeout=PATIENCE)
    base = flatjam.explore.phrase
    assert base is not None
    if len(base.notes) + 24 > 24:  # it has fewer hits than that to lose
        qtbot.waitUntil(lambda: "out of reach" in slider.text, timeout=PATIENCE)


def test_a_and_b_are_pinned_with_keys_and_the_journey_follows(
    flatjam: Application, qtbot: QtBot
) -> None:
    session, journey = flatjam.session, flatjam.window.explore.journey
    qtbot.waitUntil(lambda: len(flatjam.journey.frames) == POINTS, timeout=PATIENCE)
    before = flatjam.journey.frames
    landmark = click_landmark(qtbot, flatjam, outermost(flatjam))
    qtbot.keyClick(flatjam.window, Qt.Key.Key_B)
    assert session.state.b is not None
    assert session.state.b.landmark == landmark
    assert journey.b.text() == session.state.b.label
    qtbot.waitUntil(
        lambda: flatjam.journey.frames is not before and len(flatjam.journey.frames) == POINTS,
        timeout=PATIENCE,
    )
    assert len(journey.strip.changes) == POINTS - 1

    # The middle thumbnail is half-way: it sounds, and the slider is there.
    with qtbot.waitSignal(flatjam.engine.swapped, timeout=PATIENCE):
        rect = journey.thumbnails.rect_of(POINTS // 2)
        qtbot.mouseClick(journey.thumbnails, Qt.MouseButton.LeftButton, pos=rect.center())
    assert session.state.landmark is None
    assert journey.slider.value() == STEPS // 2


def test_a_landmark_sounds_as_played(flatjam: Application, qtbot: QtBot) -> None:
    actions = flatjam.window.actions_table
    assert not actions["explore.as_played"].isEnabled()
    assert "landmark" in actions["explore.as_played"].toolTip()
    flatjam.explore.hear_landmark(3)
    qtbot.waitUntil(lambda: flatjam.model.is_ready)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_P)
    bundle = flatjam.session.bundle
    assert bundle is not None
    bar = int(bundle.landmarks.bar[3])
    # The recording's bass drum tells its bar by its velocity.
    qtbot.waitUntil(
        lambda: (
            flatjam.explore.phrase is not None
            and any(n.pitch == 36 and n.velocity == 20 + bar for n in flatjam.explore.phrase.notes)
        ),
        timeout=PATIENCE,
    )
    assert "as played" in flatjam.window.explore.grid_panel.heard.text()
    assert not flatjam.window.explore.attributes["density"].track.isEnabled()
    qtbot.keyClick(flatjam.window, Qt.Key.Key_P)
    assert "model hears" in flatjam.window.explore.grid_panel.heard.text()


def test_tempo_loop_metronome_and_volume_reach_the_engine(
    flatjam: Application, qtbot: QtBot
) -> None:
    bar, engine = flatjam.window.transport, flatjam.engine
    bar.tempo.setValue(150.0)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_L)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_M)
    bar.volume.setValue(30)
    qtbot.waitUntil(
        lambda: (
            engine.state is not None
            and engine.state.tempo == 150.0
            and not engine.state.loop
            and engine.state.metronome
            and engine.state.volume == pytest.approx(0.3)
        ),
        timeout=PATIENCE,
    )
    assert flatjam.session.undo.count() == 3  # volume is not part of the history
    for _ in range(3):
        flatjam.session.undo.undo()
    qtbot.waitUntil(
        lambda: engine.state is not None and engine.state.loop and not engine.state.metronome
    )


def test_panic_stops(flatjam: Application, qtbot: QtBot) -> None:
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and flatjam.engine.state.playing)
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and not flatjam.engine.state.playing)


def test_letters_are_shortcuts_while_a_number_is_typed(flatjam: Application, qtbot: QtBot) -> None:
    tempo = flatjam.window.transport.tempo
    tempo.setFocus()
    tempo.selectAll()
    qtbot.keyClicks(tempo, "97")
    qtbot.keyClick(tempo, Qt.Key.Key_M)
    assert flatjam.session.state.metronome
    qtbot.keyClick(tempo, Qt.Key.Key_Return)
    assert flatjam.session.state.tempo == 97.0
    assert not tempo.hasFocus()
