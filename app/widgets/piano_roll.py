"""The piano roll: which notes a melody has, how long they last, and where the loop is."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.theme import colour
from app.widgets.phrase_view import GLOW_STEPS, TONES, PhraseView
from app.widgets.piano_roll_places import (
    RollPlaces,
    is_black,
    notes_of,
    pitch_name,
    pitch_range,
    told,
)
from fmvae_core.music.phrase import STEPS_PER_BEAT, Note
from fmvae_core.music.representation import Frames

_LABELS = 74.0
_KEYS = 40.0  # width of the keyboard
_TONE = TONES[185]


class PianoRoll(PhraseView):
    """The pitches of a melody by the steps of its phrase, beside a keyboard.

    A bar is a note: it begins where the note does and is as long. Only the range that is used is
    shown.

    Parameters
    ----------
    parent
        The widget it lies in.
    accent
        Colour of the theme for the notes, such as a player's.
    """

    def __init__(self, parent: QWidget | None = None, *, accent: str | None = None) -> None:
        super().__init__("Piano roll", parent)
        self._tone = _TONE if accent is None else colour(accent)
        self._notes: tuple[Note, ...] = ()
        self._range = pitch_range(())
        self._say()

    def set_frames(self, frames: Frames | None) -> None:
        """Show a phrase, ``(steps, 90)`` that may be probabilities, or an empty roll.

        Raises
        ------
        ValueError
            If the frames have another shape.
        """
        self._notes = () if frames is None else notes_of(frames)
        if frames is not None:
            self.show_steps(len(frames))
        shown = pitch_range(self._notes, self._range)
        if shown != self._range:
            self._range = shown
            self._cursor = None
            self.repaint_all()
        self.repaint_notes()

    def note_at(self, place: QPointF) -> Note | None:
        """Return the note that is drawn at a pixel, or None."""
        around = (self.places.bar(note).adjusted(-1, -2, 1, 2) for note in self._notes)
        found = (note for note, bar in zip(self._notes, around, strict=True) if bar.contains(place))
        return next(found, None)

    def tip_at(self, place: QPointF) -> tuple[str, QRectF] | None:
        """Return what the note at a pixel is."""
        note = self.note_at(place)
        if note is None:
            return None
        return self.describe(note.pitch, round(note.onset * STEPS_PER_BEAT)), self.places.bar(note)

    def describe(self, row: int, step: int) -> str:
        """Return what a pitch does at a step, in words."""
        where = f"{pitch_name(row)}  {self.where(step)}"
        for note in self._notes:
            begin = round(note.onset * STEPS_PER_BEAT)
            if note.pitch == row and begin == step:
                return f"{where}\n{told(note)}"
            if note.pitch == row and begin < step < begin + note.duration * STEPS_PER_BEAT:
                return f"{where}\nsounds since {self.where(begin)}"
        return f"{where}\nsilent"

    def summary(self) -> str:
        """Return the number of steps and notes, and their range."""
        if not self._notes:
            return f"{self._steps} steps, no notes"
        pitches = [note.pitch for note in self._notes]
        count = "1 note" if len(pitches) == 1 else f"{len(pitches)} notes"
        lowest, highest = pitch_name(min(pitches)), pitch_name(max(pitches))
        return f"{self._steps} steps, {count} from {lowest} to {highest}"

    @property
    def places(self) -> RollPlaces:
        """Where things lie at the widget's size."""
        return RollPlaces(self.width(), self.height(), _LABELS, self._steps, *self._range)

    @property
    def rows(self) -> tuple[int, int]:
        """The lowest and the highest pitch that are shown."""
        return self._range

    def cell(self, row: int, step: int) -> QRectF:
        """Return where a cell lies."""
        return self.places.cell(row, step)

    # Painting

    def paint_rows(self, painter: QPainter) -> None:
        """Paint the keyboard, the rows of its keys and the lines of the beats."""
        places, (low, high) = self.places, self._range
        field = places.field
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(Qt.PenStyle.NoPen)
        for pitch in range(low, high + 1):
            top, height = places.row(pitch)
            row = QRectF(field.left(), round(top), field.width(), round(top + height) - round(top))
            painter.setBrush(colour("raised", 0.35 if is_black(pitch) else 0.75))
            painter.drawRect(row)
        for step in range(0, self._steps, STEPS_PER_BEAT):
            painter.setBrush(colour("hover", 0.9))
            painter.drawRect(QRectF(round(places.x(step)) - 1, field.top(), 1, field.height()))
        for pitch in range(low, high + 1):
            if pitch % 12 == 0:  # a line under each C
                top, height = places.row(pitch)
                painter.setBrush(colour("faint", 0.7))
                painter.drawRect(QRectF(field.left(), round(top + height) - 1, field.width(), 1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_keys(painter)

    def _paint_keys(self, painter: QPainter) -> None:
        places, (low, high) = self.places, self._range
        right = _LABELS - 6
        left = right - _KEYS
        height = places.row(low)[1]
        font = QFont(self.font())
        font.setPixelSize(max(10, min(12, round(height * 0.9))))
        painter.setFont(font)
        painter.setPen(Qt.PenStyle.NoPen)
        keys = QRectF(left, places.field.top(), _KEYS, places.field.height())
        painter.setBrush(colour("dim"))
        painter.drawRoundedRect(keys, 2, 2)
        for pitch in range(low, high + 1):
            top, _ = places.row(pitch)
            painter.setPen(Qt.PenStyle.NoPen)
            if is_black(pitch):
                painter.setBrush(colour("ground"))
                painter.drawRect(QRectF(left, top + 0.5, _KEYS * 0.62, height - 1))
                painter.setPen(QPen(colour("ground", 0.55), 1))
                middle = top + height / 2
                painter.drawLine(QPointF(left + _KEYS * 0.62, middle), QPointF(right, middle))
            elif pitch % 12 in (4, 11) and pitch < high:  # no black key between E and F, B and C
                painter.setPen(QPen(colour("ground", 0.55), 1))
                painter.drawLine(QPointF(left, top), QPointF(right, top))
            if pitch % 12 == 0:
                painter.setPen(colour("text"))
                box = QRectF(0, top + height / 2 - 10, left - 5, 20)
                flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(box, flags, pitch_name(pitch))

    def paint_notes(self, painter: QPainter) -> None:
        """Paint the notes."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._tone)
        for note in self._notes:
            bar = self.places.bar(note)
            round_by = min(3.0, bar.height() / 2)
            painter.drawRoundedRect(bar, round_by, round_by)

    def paint_glow(self, painter: QPainter, position: float) -> None:
        """Let the note shine that sounds, most at its beginning."""
        for note in self._notes:
            since = (position - note.onset * STEPS_PER_BEAT) % self._steps
            if since < GLOW_STEPS:
                shine = 1.0 - since / GLOW_STEPS
                bar = self.places.bar(note)
                seen = QRectF(bar)
                # Beyond the strip that is painted anew nothing may change.
                seen.setRight(min(bar.right(), self.places.x(position)))
                if seen.width() > 0:
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(QColor(255, 255, 255, round(255 * 0.75 * shine)))
                    painter.drawRoundedRect(seen, 2, 2)
