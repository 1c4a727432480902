"""The bar on top: what plays, how fast, how loud, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QToolButton,
    QWidget,
)

from app.actions import Actions, icon
from app.models_menu import ModelEntry
from app.state.session import new_gesture
from app.theme import named, numerals
from app.widgets.indicators import StatusLight
from app.widgets.number_box import NumberBox
from fmvae_core.music.phrase import BEATS_PER_BAR, MAX_TEMPO, MIN_TEMPO

_PAUSE_MS = 700


class TransportBar(QFrame):
    """Emits what the user wants; shows what the presenter tells it.

    Signals
    -------
    tempo_edited(float, int)
        Beats a minute, and the number of the gesture.
    volume_edited(float)
        0 to 1.
    bundle_chosen(str)
        Folder of a bundle that was picked from the menu.
    """

    tempo_edited = Signal(float, int)
    volume_edited = Signal(float)
    bundle_chosen = Signal(str)

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transport")
        self._gesture = new_gesture()
        self._pause = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._pause.timeout.connect(self._next_gesture)
        self._play_action = actions["play.toggle"]

        self.model = named(QToolButton(), "model")
        self.model.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._models = QMenu(self.model)
        self._models.setToolTipsVisible(True)
        self.model.setMenu(self._models)
        self._open = actions["file.open_bundle"]
        self.show_models((), None)

        shown = ("view.explore", "view.jam", "view.train")
        self.tabs = [_tab(actions[command]) for command in shown]
        self.play = _button(actions["play.toggle"], "play", 26)
        self.loop = _button(actions["play.loop"])
        self.metronome = _button(actions["play.metronome"])
        self.tempo = NumberBox(MIN_TEMPO, MAX_TEMPO, "bpm", 100)
        self.tempo.setAccessibleName("Tempo in beats a minute")
        self.set_tempo_disabled_because(None)
        self.tempo.valueChanged.connect(self._tempo_changed)
        self.tap = QToolButton()
        self.tap.setText("tap")
        self.tap.setAccessibleName("Tap tempo")
        self.tap.setToolTip(actions["play.tap"].toolTip())
        self.tap.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.tap.pressed.connect(actions["play.tap"].trigger)
        self.place = named(QLabel(), "place")
        self.place.setFont(numerals(self.place.font()))
        self.place.setToolTip("Bar and beat")
        self.show_place(None)

        speaker = QLabel()
        speaker.setPixmap(icon("mdi6.volume-high", "dim").pixmap(QSize(18, 18)))
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, 100)
        self.volume.setFixedWidth(92)
        self.volume.setAccessibleName("Volume")
        self.volume.setToolTip("Volume\nCtrl+Up and Ctrl+Down change it too.")
        self.volume.valueChanged.connect(lambda value: self.volume_edited.emit(value / 100))
        self.panic = _button(actions["play.panic"], "panic")
        self.engine = StatusLight("Sound")
        self.worker = StatusLight("Model")

        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 16, 6)
        layout.setSpacing(6)
        layout.addWidget(self.model)
        layout.addSpacing(8)
        for tab in self.tabs:
            layout.addWidget(tab)
        layout.addSpacing(12)
        layout.addWidget(self.play)
        layout.addWidget(self.loop)
        layout.addWidget(self.place)
        layout.addSpacing(12)
        layout.addWidget(self.tempo)
        layout.addWidget(self.tap)
        layout.addWidget(self.metronome)
        layout.addSpacing(12)
        layout.addWidget(speaker)
        layout.addWidget(self.volume)
        layout.addStretch(1)
        layout.addWidget(self.engine)
        layout.addSpacing(10)
        layout.addWidget(self.worker)
        layout.addSpacing(10)
        layout.addWidget(self.panic)

    def show_models(self, models: Sequence[ModelEntry], chosen: ModelEntry | None) -> None:
        """Show the model that is open, and those that can be chosen."""
        name = chosen.name if chosen else "no model"
        kind = f", {chosen.kind}" if chosen else ""
        self.model.setText(name)
        self.model.setAccessibleName(f"Model: {name}{kind}")
        self.model.setToolTip(f"The trained model that plays{kind}. Click to choose another.")
        self._models.clear()
        for index, model in enumerate(models):
            if index and models[index - 1].is_shipped != model.is_shipped:
                self._models.addSeparator()
            entry = self._models.addAction(f"{model.name}\t{model.kind}")
            entry.setToolTip(str(model.path))
            entry.setCheckable(True)
            entry.setChecked(model == chosen)
            if model == chosen:
                entry.setIcon(icon("mdi6.check"))
            entry.triggered.connect(
                lambda _checked, path=str(model.path): self.bundle_chosen.emit(path)
            )
        self._models.addSeparator()
        self._models.addAction(self._open)

    def show_playing(self, playing: bool) -> None:
        """Show whether the transport runs."""
        self._play_action.setChecked(playing)
        self._play_action.setText("Stop" if playing else "Play")
        self._play_action.setIcon(icon("mdi6.stop" if playing else "mdi6.play"))
        if not playing:
            self.show_place(None)

    def show_tempo(self, tempo: float) -> None:
        """Show the tempo, without telling."""
        self.tempo.show_number(tempo)

    def set_tempo_disabled_because(self, reason: str | None) -> None:
        """Let the tempo not be changed, and say why, or let it (``None``)."""
        self.tempo.setEnabled(reason is None)
        about = "Type it, or turn the wheel. T taps it." if reason is None else f"Not now: {reason}"
        self.tempo.setToolTip(f"Tempo\n{about}")

    def show_volume(self, volume: float) -> None:
        """Show the volume, 0 to 1, without telling."""
        self.volume.blockSignals(True)
        self.volume.setValue(round(volume * 100))
        self.volume.blockSignals(False)

    def show_place(self, beat: float | None) -> None:
        """Show bar and beat, both from 1; ``None`` while nothing plays."""
        if beat is None:
            self.place.setText("–.–")
            return
        whole = max(0, int(beat))
        self.place.setText(f"{whole // BEATS_PER_BAR + 1}.{whole % BEATS_PER_BAR + 1}")

    def _tempo_changed(self, tempo: float) -> None:
        self.tempo_edited.emit(tempo, self._gesture)
        self._pause.start()

    def _next_gesture(self) -> None:
        self._gesture = new_gesture()


def _tab(action: QAction) -> QToolButton:
    button = named(QToolButton(), "tab")
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    button.setIconSize(QSize(18, 18))
    return button


def _button(action: QAction, name: str = "", size: int = 22) -> QToolButton:
    button = named(QToolButton(), name)
    button.setDefaultAction(action)
    button.setIconSize(QSize(size, size))
    button.setAccessibleName(action.text())
    return button
