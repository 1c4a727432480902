"""When the map is drawn again though nothing has changed: while something on it pulses."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QWidget

_QUICK_MS = 33


class Pulse(QObject):
    """Calls back at a steady pace, while that is wanted and a widget can be seen.

    Parameters
    ----------
    widget
        The one that must be visible.
    beat
        Called at each step.
    interval
        Milliseconds from one step to the next.
    """

    def __init__(self, widget: QWidget, beat: Callable[[], None], interval: int) -> None:
        super().__init__(widget)
        self._widget = widget
        self._is_wanted = False
        self._interval = interval
        self._timer = QTimer(self, interval=interval)
        self._timer.timeout.connect(beat)
        self._hurry = QTimer(self, singleShot=True)
        self._hurry.timeout.connect(lambda: self._timer.setInterval(self._interval))
        widget.installEventFilter(self)

    @property
    def is_running(self) -> bool:
        """Whether it calls back."""
        return self._timer.isActive()

    def set_wanted(self, is_wanted: bool) -> None:
        """Begin or end."""
        self._is_wanted = is_wanted
        self._turn(self._widget.isVisible())

    def hurry(self, seconds: float) -> None:
        """Step quickly for a while: something moves."""
        self._timer.setInterval(min(_QUICK_MS, self._interval))
        self._hurry.start(round(1000 * seconds))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Rest while the widget is hidden."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self._turn(event.type() == QEvent.Type.Show)
        return False

    def _turn(self, is_visible: bool) -> None:
        if not (self._is_wanted and is_visible):
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()
