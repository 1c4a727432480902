"""A melody bundle on the real window: piano roll, its own attributes, its instrument, its sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.application import Application
from app.state.settings import load_settings
from app.widgets.drum_grid import DrumGrid
from app.widgets.journey_slider import POINTS
from app.widgets.piano_roll import PianoRoll
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.instruments import CELLO, PIANO
from fmvae_core.music.melody_representation import MelodyRepresentation
from fmvae_core.music.midi_file import read_midi, write_midi
from fmvae_core.music.phrase import Note, Phrase
from tests.app.conftest import PATIENCE, Start
from tests.app.sound import envelope, likeness, seconds_in
from tests.app.test_explore import drag


@pytest.fixture
def melodic(start: Start, melody_bundle: Bundle, audio_file: Path) -> Application:
    """The window with the melody bundle."""
    return start(melody_bundle.path)


def busy(bundle: Bundle, rank: int) -> int:
    """Return one of the landmarks with the most notes."""
    return int(np.argsort(bundle.landmarks.attributes[:, 0])[-1 - rank])


def shown(flatjam: Application) -> type:
    return type(flatjam.window.explore.grid_panel.grid)


def items(flatjam: Application) -> list[str]:
    box = flatjam.window.explore.map_bar.colour_by
    return [box.itemData(index) for index in range(box.count())]


def is_open(flatjam: Application, bundle: Bundle) -> bool:
    return (
        flatjam.session.bundle is not None
        and flatjam.session.bundle.sha256 == bundle.sha256
        and flatjam.model.is_ready
        and flatjam.explore.phrase is not None
        and len(flatjam.journey.frames) > 0
    )


def test_a_melody_is_seen_heard_and_changed(
    melodic: Application, melody_bundle: Bundle, audio_file: Path, qtbot: QtBot
) -> None:
    view, session = melodic.window.explore, melodic.session
    qtbot.waitUntil(lambda: is_open(melodic, melody_bundle), timeout=PATIENCE)
    assert list(view.attributes) == ["density", "pitch"]
    assert items(melodic) == ["density", "pitch", "style"]
    roll = view.grid_panel.grid
    assert isinstance(roll, PianoRoll)
    assert roll.isVisible()
    assert view.journey.strip.accessibleName() == "Changed notes from step to step"

    session.edit("Set the tempo", tempo=400.0)
    turn = 2.4  # seconds: sixteen beats

    def listen() -> np.ndarray:
        begin = seconds_in(audio_file) + 0.5
        qtbot.waitUntil(lambda: seconds_in(audio_file) > begin + 2 * turn, timeout=PATIENCE)
        return envelope(audio_file, begin, 2 * turn)

    def hear(landmark: int) -> np.ndarray:
        before = melodic.explore.phrase
        melodic.explore.hear_landmark(landmark)
        qtbot.waitUntil(lambda: melodic.explore.phrase != before, timeout=PATIENCE)
        return listen()

    first = hear(busy(melody_bundle, 0))
    assert melodic.engine.state is not None
    assert melodic.engine.state.playing
    assert melodic.engine.state.instrument == CELLO
    phrase = melodic.explore.phrase
    assert phrase is not None
    assert not phrase.is_drums
    assert roll.accessibleDescription().startswith(f"64 steps, {len(phrase.notes)} notes from ")
    second = hear(busy(melody_bundle, 9))
    assert min(first.max(), second.max()) > 0.001
    half = len(first) // 2
    same = min(likeness(first[:half], first[half:]), likeness(second[:half], second[half:]))
    assert likeness(first[:half], second[:half]) < same - 0.05

    heard, entries = melodic.explore.phrase, session.undo.count()
    slider = view.attributes["pitch"]
    drag(qtbot, slider.track, 0.5, 0.7)
    assert session.state.asks["pitch"] > 2
    qtbot.waitUntil(lambda: "got" in slider.text, timeout=PATIENCE)
    assert "semitone" in slider.text
    assert session.undo.count() == entries + 1
    qtbot.keyClick(melodic.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert "pitch" not in session.state.asks
    qtbot.waitUntil(lambda: melodic.explore.phrase == heard, timeout=PATIENCE)


def test_the_instrument_can_be_chosen_and_is_remembered(
    melodic: Application, melody_bundle: Bundle, qtbot: QtBot
) -> None:
    box, engine = melodic.window.explore.grid_panel.instrument, melodic.engine
    assert box.isVisible()
    assert box.currentText() == "Cello"
    assert not melodic.window.explore.grid_panel.as_played.isVisible()
    reason = melodic.window.actions_table["explore.as_played"].toolTip()
    assert "only models of the Groove dataset" in reason
    box.setFocus()
    qtbot.keyClicks(box, "Pia")
    qtbot.waitUntil(
        lambda: engine.state is not None and engine.state.instrument == PIANO, timeout=PATIENCE
    )
    assert melodic.session.undo.undoText() == "Choose the instrument"
    melodic.save()
    settings, _ = load_settings()
    assert settings.journeys[melody_bundle.sha256].instrument == PIANO
    melodic.session.undo.undo()
    assert box.currentText() == "Cello"
    qtbot.waitUntil(
        lambda: engine.state is not None and engine.state.instrument == CELLO, timeout=PATIENCE
    )


def test_the_menu_switches_between_drums_and_melodies(
    flatjam: Application, bundle: Bundle, melody_bundle: Bundle, qtbot: QtBot
) -> None:
    view, bar = flatjam.window.explore, flatjam.window.transport
    flatjam.session.set_view(colour_by="velocity")
    flatjam.open_bundle(melody_bundle.path)
    assert shown(flatjam) is PianoRoll
    # The worker still answers what was asked of the drums; nothing of that may be shown.
    qtbot.waitUntil(lambda: is_open(flatjam, melody_bundle), timeout=PATIENCE)
    assert view.map_bar.colour_by.currentData() == "density"
    assert not flatjam.window.notices.shown

    menu = bar.model.menu()
    entries = {action.text(): action for action in menu.actions() if "\t" in action.text()}
    assert "drums-2bar\t2 bars of drums" in entries
    assert entries["tiny\t4 bars of melody, cello"].isChecked()
    assert bar.model.accessibleName() == "Model: tiny, 4 bars of melody, cello"
    entries["tiny\t2 bars of drums"].trigger()
    qtbot.waitUntil(lambda: is_open(flatjam, bundle), timeout=PATIENCE)
    assert shown(flatjam) is DrumGrid
    assert list(view.attributes) == ["density", "velocity", "offset"]
    assert view.map_bar.colour_by.currentData() == "velocity"
    assert view.grid_panel.as_played.isVisible()
    phrase = flatjam.explore.phrase
    assert phrase is not None
    assert phrase.is_drums
    qtbot.keyClick(flatjam.window, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: flatjam.engine.state is not None and flatjam.engine.state.playing)


def test_midi_files_go_in_and_out_as_melodies(
    melodic: Application, tmp_path: Path, qtbot: QtBot
) -> None:
    files, notices = melodic.files, melodic.window.notices
    tune = tuple(Note(0.5 * step, 60 + step, 80, 0.5) for step in range(12))
    write_midi(Phrase(tune, 4, 100.0, is_drums=False), tmp_path / "tune.mid")
    write_midi(Phrase((Note(0.0, 36, 100),), 4), tmp_path / "beat.mid")
    files.open_midi("B", tmp_path / "beat.mid")
    assert "no melody" in notices.shown["midi"]
    files.open_midi("B", tmp_path / "tune.mid")
    qtbot.waitUntil(
        lambda: melodic.session.state.b is not None and melodic.session.state.b.label == "tune.mid",
        timeout=PATIENCE,
    )
    qtbot.waitUntil(lambda: len(melodic.journey.frames) == POINTS, timeout=PATIENCE)
    files.save_journey(tmp_path)
    for number, frames in enumerate(melodic.journey.frames, start=1):
        saved = tmp_path / f"journey-{number}.mid"
        written = len(MelodyRepresentation(4).decode(frames).notes)
        if written:
            read = read_midi(saved)
            assert not read.is_drums
            assert len(read.notes) == written
    assert melodic.explore.phrase is not None
    files.render(tmp_path / "out.wav")
    qtbot.waitUntil(lambda: not files.is_rendering, timeout=PATIENCE)
    assert (tmp_path / "out.wav").stat().st_size > 44


def test_hovering_a_melody_tells_its_piece_and_attributes(
    melodic: Application, melody_bundle: Bundle
) -> None:
    latent_map = melodic.window.explore.map
    assert latent_map is not None
    assert latent_map.hover_text is not None
    marks = melody_bundle.landmarks
    landmark = busy(melody_bundle, 0)
    text = latent_map.hover_text(landmark)
    piece = marks.performances[marks.performance[landmark]].removesuffix(".mid")
    assert piece in text
    assert f"{marks.attributes[landmark, 0]:.0f} notes · pitch " in text
