"""Measures the latency: the user taps along with a click."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.theme import numerals
from app.widgets.pad_row import KEY_VELOCITY, KEYS
from fmvae_core.live.sync_messages import CalibrationState


class LatencyDialog(QDialog):
    """Shows how far the measuring is and what came of it.

    Signals
    -------
    started()
        The click is wanted again.
    hit(int, int)
        A pad's key was pressed: drum and velocity.
    saved(str, float)
        Port of the device (empty: the pads on the screen), and its latency in milliseconds.
    """

    started = Signal()
    hit = Signal(int, int)
    saved = Signal(str, float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Measure the latency")
        self._state: CalibrationState | None = None
        title = QLabel("Tap along with the click")
        title.setProperty("role", "title")
        about = QLabel(
            "Hit a pad of your kit, or press the key A, on each click, as you would play. Your own "
            "sound is silent meanwhile. The result is the way there and back: what you hear is "
            "late, and so is what you hit."
        )
        about.setWordWrap(True)
        about.setProperty("role", "dim")
        self.median = QLabel("–")
        self.median.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.median.setProperty("role", "title")
        self.median.setFont(numerals(self.median.font()))
        self.detail = QLabel()
        self.detail.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.detail.setProperty("role", "small")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Hits that count")
        self.again = QPushButton("Again")
        self.again.clicked.connect(self.started)
        self.save = QPushButton("Save")
        self.save.clicked.connect(self._save)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self.again)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.save)
        for button in (self.again, self.save, cancel):
            button.setAutoDefault(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 22, 28, 18)
        layout.setSpacing(12)
        for widget in (title, about, self.median, self.detail, self.progress):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        self.setFixedWidth(460)
        self.show_state(CalibrationState(is_running=False))

    def show_state(self, state: CalibrationState) -> None:
        """Show how far the measuring is."""
        self._state = state
        self.progress.setRange(0, max(1, state.wanted))
        self.progress.setValue(min(state.hits, state.wanted))
        if state.median_ms is None:
            self.median.setText("–")
            self.detail.setText("Listening…" if state.is_running else "The click has ended.")
        else:
            self.median.setText(f"{state.median_ms:+.0f} ms".replace("-", "−"))
            spread = "" if state.spread_ms is None else f", ± {state.spread_ms:.0f} ms"
            dropped = f", {state.dropped} strays left out" if state.dropped else ""
            self.detail.setText(f"{state.hits} of {state.wanted} hits{spread}{dropped}")
        self.again.setEnabled(not state.is_running)
        self.again.setToolTip("Not now: it clicks" if state.is_running else "Click again.")
        self.save.setEnabled(state.is_done)
        self.save.setToolTip(
            "Use this latency for the device." if state.is_done else "Not now: tap some more"
        )

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in KEYS or event.modifiers():
            super().keyPressEvent(event)
        elif not event.isAutoRepeat():
            self.hit.emit(KEYS.index(Qt.Key(event.key())), KEY_VELOCITY)

    def _save(self) -> None:
        if self._state is not None and self._state.median_ms is not None:
            self.saved.emit(self._state.port, self._state.median_ms)
        self.accept()
