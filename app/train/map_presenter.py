"""Ties the map of a run to the snapshots that the run leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer

from app.explore.colouring import coloured, schemes_of
from app.services.run_watcher import SpaceSeen
from app.train.map_page import MapPage
from app.widgets.colours import Colours

_NOTHING = (
    "The map comes with the run's first steps: where its phrases lie in the space that it learns, "
    "from one evaluation to the next."
)
_FEW = "There are too few phrases for a map."
_FRAME_MS = 50
_FRAMES = 6  # pictures from one snapshot to the next while it plays


class MapPresenter(QObject):
    """Shows the snapshots of one run, the newest by default; new ones appear as they come.

    Parameters
    ----------
    parent
        Owner.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._page: MapPage | None = None
        self._run: Path | None = None
        self._seen: SpaceSeen | None = None
        self._position = 0.0
        self._colours: Colours | None = None
        self._timer = QTimer(self, interval=_FRAME_MS)
        self._timer.timeout.connect(self._advance)

    @property
    def is_playing(self) -> bool:
        """Whether it runs through the snapshots."""
        return self._timer.isActive()

    @property
    def position(self) -> float:
        """The snapshot that is seen, by number; between two where it plays."""
        return self._position

    @property
    def _last(self) -> int:
        return 0 if self._seen is None else max(0, len(self._seen.places) - 1)

    def install(self, page: MapPage) -> None:
        """Take the widgets, which are made when they are first looked at."""
        self._page = page
        page.moved.connect(self._move)
        page.held.connect(self._pause)
        page.play_toggled.connect(self.toggle)
        page.colour_chosen.connect(self._colour)
        page.show_playing(False)
        self._show_all()

    def show_run(self, run: Path | None) -> None:
        """Take another run."""
        if run != self._run:
            self._run, self._seen = run, None
            self._position = 0.0
            self._pause()
            self._show_all()

    def take(self, run: Path, seen: SpaceSeen) -> None:
        """Take what the run has left so far."""
        if run != self._run:
            return
        was_newest = self._position >= self._last
        self._seen = seen
        if was_newest and not self.is_playing:
            self._position = float(self._last)
        self._position = min(self._position, float(self._last))
        self._show_all()

    def toggle(self) -> None:
        """Run through all snapshots, from the first if the last is seen; or stop there."""
        if self.is_playing:
            self._pause()
        elif self._last > 0:
            if self._position >= self._last:
                self._position = 0.0
            self._timer.start()
            self._tell_playing()

    def close(self) -> None:
        """Stop."""
        self._timer.stop()

    def _pause(self) -> None:
        self._timer.stop()
        self._tell_playing()

    def _tell_playing(self) -> None:
        if self._page is not None:
            self._page.show_playing(self.is_playing)

    def _move(self, number: int) -> None:
        self._pause()
        self._position = float(number)
        self._show_places()

    def _advance(self) -> None:
        page = self._page
        last = self._last
        if page is None or not page.isVisible() or self._position >= last:
            self._position = float(round(self._position))
            self._pause()
        else:
            self._position = min(float(last), self._position + 1 / _FRAMES)
        if page is not None:
            page.show_snapshots(last + 1, int(self._position))
            self._show_places()

    # --- what is shown --------------------------------------------------------------------------

    def _show_all(self) -> None:
        page, seen = self._page, self._seen
        if page is None:
            return
        if seen is None or not seen.places:
            page.show_nothing(_FEW if seen is not None and seen.steps else _NOTHING)
            return
        page.show_colours(schemes_of(seen.marks.representation, seen.marks.names))
        page.show_snapshots(self._last + 1, int(self._position))
        self._colour()

    def _colour(self) -> None:
        page, seen = self._page, self._seen
        if page is None or seen is None or not seen.places:
            return
        marks, scheme = seen.marks, page.colour_by.currentData()
        self._colours = coloured(
            scheme, marks.representation, marks.names, marks.attributes, marks.styles, page.legend
        )
        self._show_places()

    def _show_places(self) -> None:
        page, seen = self._page, self._seen
        if page is None or seen is None or self._colours is None or not seen.places:
            return
        before, share = int(self._position), self._position % 1.0
        a, b = seen.places[before], seen.places[min(before + 1, self._last)]
        places = a if share == 0.0 else ((1.0 - share) * a + share * b).astype(np.float32)
        words = f"Step {seen.steps[before]:,}   spread {seen.spreads[before]:.2g}"
        page.show_places(places, self._colours, words)
