"""Listening to a run that learns: phrases as played, as the model gives them back, and a way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.actions import icon
from app.theme import colour
from app.widgets.drum_grid import DrumGrid
from app.widgets.elided_label import ElidedLabel
from app.widgets.miniature import Miniature, paint_miniature
from app.widgets.number_box import NumberBox
from app.widgets.piano_roll import PianoRoll
from app.widgets.segments import Segments
from fmvae_core.music.representation import Frames

MODES: tuple[tuple[str, str, str], ...] = (
    ("first", "First phrase", "The phrase as played, then as the model gives it back."),
    ("second", "Second phrase", "The phrase as played, then as the model gives it back."),
    ("way", "From one to the other", "The straight line between the two, phrase by phrase."),
)
FEWEST_STEPS, MOST_STEPS = 3, 16
_GAP = 8


class PhraseStrip(QWidget):
    """The phrases that are heard one after the other, as small pictures. A click goes to one.

    Signals
    -------
    chosen(int)
        Number of the picture, from 0.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._pictures: tuple[Miniature, ...] = ()
        self._names: tuple[str, ...] = ()
        self._current = 0
        self.setFixedHeight(76)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Phrases, one after the other")
        self.setToolTip("Click one to see it. With the keyboard: left and right.")

    def show_pictures(self, pictures: Sequence[Miniature], names: Sequence[str]) -> None:
        """Show phrases, each with its name."""
        self._pictures, self._names = tuple(pictures), tuple(names)
        self._current = 0
        self.setAccessibleDescription(", ".join(names))
        self.update()

    def show_current(self, index: int) -> None:
        """Mark the one that sounds, or is looked at."""
        if index != self._current:
            self._current = index
            self.update()

    def rect_of(self, index: int) -> QRectF:
        """Return where a picture lies."""
        count = max(1, len(self._pictures))
        width = min(220.0, (self.width() - (count - 1) * _GAP) / count)
        return QRectF(index * (width + _GAP), 0, width, 54)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self.font()
        font.setPixelSize(11)
        painter.setFont(font)
        for index, picture in enumerate(self._pictures):
            rect = self.rect_of(index)
            is_current = index == self._current
            painter.setPen(QPen(colour("machine" if is_current else "line"), 1.5))
            painter.setBrush(colour("ground"))
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 4, 4)
            paint_miniature(painter, rect.adjusted(5, 5, -5, -5), picture)
            painter.setPen(colour("text" if is_current else "dim"))
            place = QRectF(rect.left(), rect.bottom() + 2, rect.width(), 18)
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter, self._names[index])
        if self.hasFocus():
            painter.setPen(QPen(colour("machine"), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        for index in range(len(self._pictures)):
            if self.rect_of(index).contains(event.position()):
                self.chosen.emit(index)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if way is None or not self._pictures:
            super().keyPressEvent(event)
            return
        self.chosen.emit(min(len(self._pictures) - 1, max(0, self._current + way)))

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        return super().event(event)


class ListenPage(QWidget):
    """Emits what shall be heard.

    Signals
    -------
    decode_asked()
        Phrases of the newest checkpoint are wanted.
    others_asked()
        Two other phrases are wanted.
    mode_chosen(str)
        A key of `MODES`.
    steps_chosen(int)
        Phrases of the way.
    play_toggled()
        Play or stop.
    step_chosen(int)
        A phrase of the strip.
    """

    decode_asked = Signal()
    others_asked = Signal()
    mode_chosen = Signal(str)
    steps_chosen = Signal(int)
    play_toggled = Signal()
    step_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.decode = QPushButton("Decode the newest checkpoint")
        self.decode.setIcon(icon("mdi6.refresh"))
        self.decode.clicked.connect(self.decode_asked)
        self.others = QPushButton("Two other phrases")
        self.others.setIcon(icon("mdi6.dice-multiple-outline"))
        self.others.setToolTip("Take two other phrases of those that the run does not learn from.")
        self.others.clicked.connect(self.others_asked)
        self.words = ElidedLabel()
        self.words.setProperty("role", "dim")
        self.play = QPushButton("Play")
        self.play.setObjectName("start")
        self.play.setMinimumWidth(96)
        self.play.clicked.connect(self.play_toggled)
        self.modes = Segments(MODES)
        self.modes.chosen.connect(self.mode_chosen)
        self.steps = NumberBox(FEWEST_STEPS, MOST_STEPS, "steps", 92)
        self.steps.setDecimals(0)
        self.steps.setValue(8)
        self.steps.setAccessibleName("Steps from one phrase to the other")
        self.steps.setToolTip("Phrases of the way, both ends included; up and down change it.")
        self.steps.valueChanged.connect(lambda steps: self.steps_chosen.emit(round(steps)))
        self.strip = PhraseStrip()
        self.strip.chosen.connect(self.step_chosen)
        self.title = ElidedLabel()
        self.title.setProperty("role", "strong")
        self.drums, self.roll = DrumGrid(), PianoRoll()
        self.view: DrumGrid | PianoRoll = self.drums
        self._kinds = QStackedLayout()
        self._kinds.addWidget(self.drums)
        self._kinds.addWidget(self.roll)
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self.decode)
        top.addWidget(self.others)
        top.addWidget(self.words, 1)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.play)
        row.addWidget(self.modes)
        row.addWidget(self.steps)
        row.addWidget(self.title, 1)
        self._empty = QLabel()
        self._empty.setWordWrap(True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setProperty("role", "dim")
        heard = QWidget()
        column = QVBoxLayout(heard)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self.strip)
        column.addLayout(self._kinds, 1)
        self._stack = QStackedLayout()
        self._stack.addWidget(self._empty)
        self._stack.addWidget(heard)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 4, 16, 8)
        layout.setSpacing(8)
        layout.addLayout(top)
        layout.addLayout(self._stack, 1)
        self.show_steps_wanted(False)
        self.show_playing(False)

    def show_words(self, text: str, is_trouble: bool = False) -> None:
        """Say what is shown, what is being done, or what went wrong."""
        if text != self.words.text():
            self.words.setText(text)
        role = "warning" if is_trouble else "dim"
        if role != self.words.property("role"):
            self.words.setProperty("role", role)
            self.words.style().polish(self.words)

    def show_nothing(self, why: str) -> None:
        """Say why nothing can be heard, in the place of the phrases."""
        self._empty.setText(why)
        self._stack.setCurrentIndex(0)
        self.others.hide()

    def show_kind(self, is_drums: bool) -> None:
        """Show phrases as a drum grid or as a piano roll."""
        self.view = self.drums if is_drums else self.roll
        self._kinds.setCurrentWidget(self.view)
        self._stack.setCurrentIndex(1)
        self.others.show()

    def show_phrase(self, title: str, frames: Frames, thresholds: npt.ArrayLike) -> None:
        """Show one phrase."""
        self.title.setText(title)
        if isinstance(self.view, DrumGrid):
            self.view.set_frames(frames, thresholds)
        else:
            self.view.set_frames(frames)

    def show_mode(self, mode: str) -> None:
        """Show what is heard."""
        self.modes.show_choice(mode)
        self.show_steps_wanted(mode == "way")

    def show_steps_wanted(self, is_shown: bool) -> None:
        """Offer the number of steps, or not."""
        self.steps.setVisible(is_shown)

    def show_playing(self, is_playing: bool) -> None:
        """Show whether the phrases sound."""
        self.play.setText("Stop" if is_playing else "Play")
        self.play.setIcon(icon("mdi6.stop" if is_playing else "mdi6.play"))
        if not is_playing:
            self.view.set_playhead(None)

    def set_play_because(self, reason: str | None) -> None:
        """Enable Play (``None``), or say why not."""
        self.play.setEnabled(reason is None)
        self.play.setToolTip(reason or "Hear it, over and over where the loop is on.")

    def set_decode_because(self, reason: str | None) -> None:
        """Enable what asks for phrases (``None``), or say why not."""
        for button in (self.decode, self.others, self.steps):
            button.setEnabled(reason is None)
        self.decode.setToolTip(reason or "Hear what the model has learnt by now.")

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(640, 320)
