"""Session, history, settings, tapped tempo: without a window."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError
from PySide6.QtWidgets import QApplication

from app.logs import report_unexpected
from app.state.session import Anchor, Session, new_gesture
from app.state.settings import (
    SavedAnchor,
    SavedJourney,
    Settings,
    load_settings,
    save_settings,
    settings_path,
)
from app.state.tap_tempo import TapTempo
from fmvae_core.models.bundle import Bundle


@pytest.fixture
def session(qapp: QApplication) -> Session:
    return Session()


def test_changes_of_one_gesture_are_one_entry(session: Session) -> None:
    changes: list[frozenset[str]] = []
    session.changed.connect(changes.append)
    gesture = new_gesture()
    for position in (0.1, 0.5, 0.9):
        session.edit("Move", gesture, position=position, landmark=None)
    session.edit("Move", new_gesture(), position=0.2)
    assert session.undo.count() == 2
    assert changes == [frozenset({"position"})] * 4
    session.undo.undo()
    assert session.state.position == 0.9
    session.undo.undo()
    assert session.state.position == 0.0
    session.undo.redo()
    assert session.state.position == 0.9


def test_a_gesture_back_to_its_start_leaves_no_entry(session: Session) -> None:
    gesture = new_gesture()
    session.edit("Move", gesture, position=0.4)
    session.edit("Move", gesture, position=0.0)
    assert session.undo.count() == 0


def test_a_gesture_that_touches_more_fields_restores_them_all(session: Session) -> None:
    session.restore({"landmark": 7})
    gesture = new_gesture()
    session.edit("Move", gesture, position=0.4)
    session.edit("Move", gesture, position=0.6, landmark=None)
    session.undo.undo()
    assert (session.state.position, session.state.landmark) == (0.0, 7)


def test_nothing_changed_is_no_entry(session: Session) -> None:
    session.edit("Loop", loop=True)
    assert session.undo.count() == 0


def test_values_stay_in_their_ranges(session: Session) -> None:
    session.edit("Move", position=3.0)
    session.edit("Set the tempo", tempo=1.0)
    assert session.state.position == 1.0
    assert session.state.tempo == 20.0


def test_the_view_is_not_part_of_the_history(session: Session) -> None:
    session.set_view(volume=0.1, colour_by="style")
    assert session.undo.count() == 0


def test_another_bundle_begins_anew(session: Session, bundle: Bundle) -> None:
    session.open_bundle(bundle)
    session.edit("Pin A", a=Anchor((0.0,) * bundle.latent_dim, "here"))
    session.open_bundle(bundle)
    assert session.state.a is None
    assert session.undo.count() == 0


def test_settings_make_a_round_trip() -> None:
    settings, trouble = load_settings()
    assert trouble is None
    settings.tempo = 133.5
    settings.volume = 0.25
    settings.splitters = {"whole": [800, 400]}
    settings.remember_bundle(Path("/models/one"))
    settings.remember_bundle(Path("/models/two"))
    settings.remember_bundle(Path("/models/one"))
    end = SavedAnchor(z=(0.5, -1.0), label="here", landmark=3)
    settings.remember_journey("ab12", SavedJourney(a=end, b=end, position=0.5))
    save_settings(settings)
    again, trouble = load_settings()
    assert trouble is None
    assert again == settings
    assert [Path(path).name for path in again.recent_bundles] == ["one", "two"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"volume": 7}',
        '{"schema_version": 99}',
        '{"tempo": "fast"}',
    ],
)
def test_broken_settings_are_kept_aside(text: str) -> None:
    path = settings_path()
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    settings, trouble = load_settings()
    assert settings == Settings()
    assert trouble is not None
    (kept,) = path.parent.glob("settings.broken-*.json")
    assert kept.read_text("utf-8") == text
    assert str(kept) in trouble
    save_settings(settings)
    assert json.loads(path.read_text("utf-8"))["schema_version"] == 1


def test_settings_check_what_is_put_into_them() -> None:
    with pytest.raises(ValidationError):
        Settings().volume = 2.0


def test_tapping() -> None:
    now = [0.0]
    tap = TapTempo(clock=lambda: now[0])
    tempi = []
    for gap in (0.0, 0.5, 0.5, 0.5, 0.8, 0.5):  # one tap goes astray
        now[0] += gap
        tempi.append(tap.tap())
    assert tempi[:2] == [None, None]
    assert tempi[2:] == [pytest.approx(120.0)] * 4
    gesture = tap.gesture
    now[0] += 10.0
    assert tap.tap() is None
    assert tap.gesture != gesture


def test_errors_nobody_expected_are_logged_and_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    shown: list[str] = []
    report_unexpected(shown.append)

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    error = RuntimeError("at the top")
    sys.excepthook(RuntimeError, error, None)
    assert shown == ["ValueError: in a thread", "RuntimeError: at the top"]
    assert "Traceback" in caplog.text
    assert "in a thread" in caplog.text
