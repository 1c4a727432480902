"""The map as a picture in an ordinary widget, where a processor draws it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QWidget
from typing_extensions import override


@cache
def _outside() -> QWidget:
    """Return what holds all that is never shown, outside of every window."""
    return QWidget()


class MapPicture(QWidget):
    """Shows what another widget draws that lies in no window.

    A QOpenGLWidget makes Qt put the whole window together with OpenGL, again whenever any part of
    it changes. Without a graphics card that took a quarter of a second beside a training, in tabs
    where there is no map, too; to draw the map and to fetch the picture takes some milliseconds.

    Parameters
    ----------
    source
        Draws the picture. It is never shown, and ends with this.
    has_changed
        Whether it would draw another picture than the last one.
    """

    def __init__(self, source: QOpenGLWidget, has_changed: Callable[[], bool]) -> None:
        super().__init__()
        self._source = source
        self._has_changed = has_changed
        self._picture: QImage | None = None
        # A child of ours, even one that is a window, would have the whole window put together with
        # OpenGL. Left to the garbage collector, it might end while another map draws, and take the
        # current context away from it.
        source.setParent(_outside())
        self.destroyed.connect(source.deleteLater)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMouseTracking(source.hasMouseTracking())

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.DevicePixelRatioChange):
            before = self._source.size()
            self._source.resize(self.size())
            # Qt holds the event back from what is hidden, and the picture would keep its size.
            QCoreApplication.sendEvent(self._source, QResizeEvent(self.size(), before))
            self._picture = None
        return super().event(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        if self._picture is None or self._has_changed():
            self._picture = self._source.grabFramebuffer()
        painter = QPainter(self)
        painter.drawImage(self.rect(), self._picture)
        painter.end()
