"""The run that is looked at: its name, how it stands, how far it is, and what can be done."""

from __future__ import annotations

from urllib.parse import urlsplit

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import icon
from app.theme import COLOURS, named, numerals
from app.widgets.elided_label import ElidedLabel
from fmvae_core.runs.store import Run
from fmvae_core.runs.words import (
    duration_in_words,
    figure_in_words,
    flatness_in_words,
    overfit_in_words,
    state_in_words,
)

_COLOURS = {
    "running": "machine",
    "starting": "machine",
    "paused": "human",
    "jam": "human",
    "finished": "good",
    "failed": "bad",
    "lost": "bad",
}

_PAUSE = "Write a checkpoint and wait."
_NO_PAUSE = "It would hold its place on the cluster. Stop it: Resume goes on from there."


class RunHead(QWidget):
    """Emits what shall be done with the run.

    Signals
    -------
    pause_asked(), resume_asked(), stop_asked(), bundle_asked()
        Buttons.
    """

    pause_asked = Signal()
    resume_asked = Signal()
    stop_asked = Signal()
    bundle_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.name = QLabel()
        self.name.setStyleSheet("font-size: 18px; font-weight: 600;")
        self.state = QLabel()
        self.state.setProperty("role", "strong")
        self.figures = ElidedLabel()
        self.figures.setProperty("role", "dim")
        self.figures.setFont(numerals(self.figures.font()))
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setFixedHeight(8)
        self.progress.setAccessibleName("Progress of the run")
        self.pause = _button("Pause", "mdi6.pause", _PAUSE)
        self.resume = _button("Resume", "mdi6.play", "Go on from where it stands.")
        self.stop = _button(
            "Stop and keep", "mdi6.stop", "End the run; what it learnt is kept, and it can go on."
        )
        self.bundle = _button(
            "Make it a bundle and play it",
            "mdi6.package-variant-closed",
            "Measure the model as it is now, make it a bundle, and open that.",
        )
        for button, signal in (
            (self.pause, self.pause_asked),
            (self.resume, self.resume_asked),
            (self.stop, self.stop_asked),
            (self.bundle, self.bundle_asked),
        ):
            button.clicked.connect(signal)
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.name)
        top.addWidget(self.state)
        top.addStretch(1)
        for button in (self.pause, self.resume, self.stop, self.bundle):
            top.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addWidget(self.progress)
        layout.addWidget(self.figures)
        layout.addWidget(self.words)

    def show_run(self, run: Run | None, making_bundle: str = "") -> None:
        """Show how a run stands; `making_bundle` says what is being done for its bundle."""
        self.setVisible(run is not None)
        if run is None:
            return
        state = run.state
        self.name.setText(run.record.name)
        self.state.setText(state_in_words(state))
        shade = COLOURS[_COLOURS.get(state.state, "dim")]
        self.state.setStyleSheet(f"color: {shade};")
        self.progress.setValue(round(1000 * state.step / state.steps) if state.steps else 0)
        self.figures.setText("   ".join(filter(None, _figures(run))))
        words = state.reason or (making_bundle and f"Bundle: {making_bundle}…") or state.note
        self.words.setText(words[:1].upper() + words[1:])
        self.words.setVisible(bool(words))
        bad = state.state in ("failed", "lost")
        self.words.setStyleSheet(f"color: {COLOURS['bad' if bad else 'dim']};")
        self.pause.setVisible(state.state in ("running", "starting", "jam"))
        is_here = run.record.cluster is None
        self.pause.setEnabled(is_here)
        self.pause.setToolTip(_PAUSE if is_here else _NO_PAUSE)
        self.resume.setVisible(state.state in ("paused", "stopped", "failed", "lost", "new"))
        self.resume.setText("Start" if state.state == "new" else "Resume")
        self.stop.setVisible(state.is_active)
        self.bundle.setVisible(state.step > 0)
        self.bundle.setEnabled(not making_bundle and not state.is_active)
        self.bundle.setToolTip(
            "Stop the run first: a bundle is made of its last checkpoint."
            if state.is_active
            else "Measure the model as it is now, make it a bundle, and open that."
        )


def _figures(run: Run) -> list[str]:
    state = run.state
    told = []
    if state.steps:
        told.append(f"Step {state.step:,} of {state.steps:,}")
    if state.seconds:
        told.append(f"{duration_in_words(state.seconds)} so far")
    if state.state == "running" and state.seconds_per_step and state.remaining:
        told.append(f"{duration_in_words(state.remaining)} to go")
    told.append(figure_in_words(state))
    told.append(overfit_in_words(state))
    told.append(flatness_in_words(state))
    if state.phrases:
        told.append(f"{state.phrases:,} phrases, {state.parameters:,} weights")
    if state.device:
        told.append(state.device.upper())
    if run.record.cluster is not None:
        told.append(f"on {urlsplit(run.record.cluster).netloc}")
    return told


def _button(text: str, sign: str, tip: str) -> QPushButton:
    button = named(QPushButton(text), "runButton")
    button.setIcon(icon(sign))
    button.setToolTip(tip)
    return button
