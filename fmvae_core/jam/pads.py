"""From what a kit sends to hits: drum maps, double triggers, hi-hat pedal and choke."""

from __future__ import annotations

from dataclasses import dataclass

from fmvae_core.music.drums import DRUMS, DrumMap

DOUBLE_TRIGGER_SECONDS = 0.015
"""A pad that speaks again this soon was hit once. The strokes of a flam are further apart."""

FOOT_CONTROLLER = 4
"""MIDI controller of the hi-hat pedal: 0 is fully open, 127 fully closed."""
CLOSED_FROM = 64
"""Pedal position from which a hi-hat that sends one pitch for everything counts as closed."""

_KEYS = [drum.key for drum in DRUMS]
_OPEN = _KEYS.index("open_hi_hat")
_CLOSED = _KEYS.index("closed_hi_hat")


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit of a drum.

    Parameters
    ----------
    seconds
        Monotonic time.
    drum
        Index into `fmvae_core.music.drums.DRUMS`.
    velocity
        1 to 127.
    """

    seconds: float
    drum: int
    velocity: int

    @property
    def pitch(self) -> int:
        """The pitch of Table 4 that stands for the drum."""
        return DRUMS[self.drum].pitch


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a keyboard that goes down or is let go.

    Parameters
    ----------
    seconds
        Monotonic time.
    pitch
        MIDI pitch.
    velocity
        1 to 127; 0 where it is let go.
    """

    seconds: float
    pitch: int
    velocity: int


class Pads:
    """What the pads of one kit mean. Remembers the pedal and when each pad last spoke.

    Parameters
    ----------
    kit
        Which pitch is which drum.
    pedal_decides
        Whether the kit sends one pitch for the hi-hat, open or closed: then the pedal says which.
    """

    def __init__(self, kit: DrumMap, pedal_decides: bool = False) -> None:
        self._kit = kit
        self._pedal_decides = pedal_decides
        self._pedal = 0
        self._spoke: dict[int, float] = {}

    def note_on(self, seconds: float, pitch: int, velocity: int) -> Hit | None:
        """Return the hit that a note-on is.

        It is none if the kit's map does not know the pitch, if the velocity is 0 (a note-off), or
        if it is the echo of a hit: the same pad within `DOUBLE_TRIGGER_SECONDS`. Pads are told
        apart by pitch, so that two cymbals of one category may be struck together.
        """
        drum = self._kit.categories.get(pitch)
        if drum is None or velocity == 0:
            return None
        last = self._spoke.get(pitch)
        if last is not None and seconds - last < DOUBLE_TRIGGER_SECONDS:
            return None  # counted from the hit itself, or a stream of echoes would never end
        self._spoke[pitch] = seconds
        if self._pedal_decides and drum in (_OPEN, _CLOSED):
            drum = _CLOSED if self._pedal >= CLOSED_FROM else _OPEN
        return Hit(seconds, drum, velocity)

    def control(self, controller: int, value: int) -> None:
        """Take in a controller; all but the hi-hat pedal's are no affair of the pads."""
        if controller == FOOT_CONTROLLER:
            self._pedal = value

    def choke(self, pitch: int, pressure: int) -> int | None:
        """Return the pitch of Table 4 to be silenced when key pressure says so.

        A hand that grabs a cymbal comes as polyphonic key pressure of that pad, and as pressure 0
        when it lets go, which silences nothing. It is no hit.
        """
        drum = self._kit.categories.get(pitch)
        return None if drum is None or pressure == 0 else DRUMS[drum].pitch
