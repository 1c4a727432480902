"""What the user is working on, changed only through the undo stack."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.state.commands import ChangeState
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.phrase import MAX_TEMPO, MIN_TEMPO

Method = Literal["lerp", "slerp"]
Listening = Literal["model", "played"]
AnchorName = Literal["A", "B"]
ColourBy = Literal["density", "velocity", "offset", "pitch", "style"]

ProjectionName = Literal["pca", "attributes", "umap"]

NO_ASKS: Mapping[str, float] = MappingProxyType({})

_gestures: Iterator[int] = itertools.count(1)


def new_gesture() -> int:
    """Return a number that marks changes as parts of one drag, hence of one entry to undo."""
    return next(_gestures)


@dataclass(frozen=True)
class Anchor:
    """A point the user pinned.

    Parameters
    ----------
    z
        The latent point, ``latent_dim`` floats.
    label
        What it is, for the user.
    landmark
        Index of the landmark it is, or ``None`` for a point from elsewhere (a MIDI file).
    """

    z: tuple[float, ...]
    label: str
    landmark: int | None = None


@dataclass(frozen=True)
class SessionState:
    """All that undo brings back.

    Parameters
    ----------
    a, b
        The ends of the journey.
    position
        Along the journey, 0 (A) to 1 (B).
    method
        A straight line, or an arc for comparison.
    landmark
        The landmark that is heard; ``None`` while the journey is heard.
    asks
        Wanted change of each attribute, as stored: density in hits or notes, velocity 0 to 1,
        offset -1 to 1, pitch in semitones. One that is not there is left to itself.
    listening
        Whether a landmark sounds as the model hears it or as it was played.
    tempo
        Beats a minute.
    loop, metronome
        Of the transport.
    instrument
        General MIDI program, from 0, on which melodies sound.
    """

    a: Anchor | None = None
    b: Anchor | None = None
    position: float = 0.0
    method: Method = "lerp"
    landmark: int | None = None
    asks: Mapping[str, float] = field(default_factory=lambda: NO_ASKS)
    listening: Listening = "model"
    tempo: float = 112.0
    loop: bool = True
    metronome: bool = False
    instrument: int = 0

    @property
    def has_journey(self) -> bool:
        """Whether both ends are pinned."""
        return self.a is not None and self.b is not None


@dataclass(frozen=True)
class ViewState:
    """What is shown and how loud: kept between starts, not part of undo.

    Parameters
    ----------
    volume
        0 to 1.
    colour_by
        What the map's colours mean.
    projection
        What the map's places mean; kept for each bundle.
    """

    volume: float = 0.8
    colour_by: ColourBy = "density"
    projection: ProjectionName = "pca"


class Session(QObject):
    """The session's model: one immutable state, replaced at each change.

    Signals
    -------
    changed(frozenset)
        Names of the fields of `SessionState` that differ now.
    view_changed(frozenset)
        Names of the fields of `ViewState` that differ now.
    bundle_changed()
        Another bundle is open; anchors and history begin anew, and the projection is its own.
    """

    changed = Signal(object)
    view_changed = Signal(object)
    bundle_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo = QUndoStack(self)
        self._state = SessionState()
        self._view = ViewState()
        self._bundle: Bundle | None = None

    @property
    def state(self) -> SessionState:
        """The state now."""
        return self._state

    @property
    def view(self) -> ViewState:
        """The view now."""
        return self._view

    @property
    def bundle(self) -> Bundle | None:
        """The open bundle."""
        return self._bundle

    def edit(self, text: str, gesture: int | None = None, /, **fields: Any) -> None:
        """Change fields of the state as one entry of the history.

        Parameters
        ----------
        text
            What the user did, for the history.
        gesture
            Changes with the same number join the entry before them.
        fields
            New values; those that change nothing are left out.
        """
        if "tempo" in fields:
            fields["tempo"] = min(MAX_TEMPO, max(MIN_TEMPO, float(fields["tempo"])))
        if "position" in fields:
            fields["position"] = min(1.0, max(0.0, float(fields["position"])))
        before = {name: getattr(self._state, name) for name in fields}
        if before != fields:
            self.undo.push(ChangeState(self.restore, text, before, fields, gesture))

    def restore(self, fields: Mapping[str, Any]) -> None:
        """Put values in place without an entry: for the history itself, and for what was loaded."""
        new = replace(self._state, **fields)
        changed = frozenset(
            name for name in fields if getattr(new, name) != getattr(self._state, name)
        )
        self._state = new
        if changed:
            self.changed.emit(changed)

    def set_view(self, **fields: Any) -> None:
        """Change what is shown or how loud it is; not part of undo."""
        new = replace(self._view, **fields)
        changed = frozenset(
            name for name in fields if getattr(new, name) != getattr(self._view, name)
        )
        self._view = new
        if changed:
            self.view_changed.emit(changed)

    def open_bundle(self, bundle: Bundle | None, projection: ProjectionName = "pca") -> None:
        """Begin with a bundle; what was pinned in another latent space is dropped, history too.

        The map shows the new bundle in a projection of its own: `bundle_changed` tells both.
        """
        self.restore(
            {
                "a": None,
                "b": None,
                "position": 0.0,
                "landmark": None,
                "asks": NO_ASKS,
                "listening": "model",
            }
        )
        self.undo.clear()
        self._bundle = bundle
        self._view = replace(self._view, projection=projection)
        self.bundle_changed.emit()
