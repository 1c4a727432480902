"""Whether OpenGL is there, and what to say where it is not."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.theme import COLOURS, SPACE

_GL_RENDERER = 0x1F01
_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "software rasterizer", "gdi generic")
# Some of them even make a context, but Qt has no way to show on them what a widget drew with it.
_WITHOUT_WIDGETS = ("offscreen", "minimal", "minimalegl", "vnc", "linuxfb")


@dataclass(frozen=True)
class Graphics:
    """What draws the map.

    Parameters
    ----------
    renderer
        Name of the graphics card or of the software renderer; empty where there is no OpenGL.
    problem
        Why there is none; empty where there is one.
    """

    renderer: str
    problem: str = ""

    @property
    def is_software(self) -> bool:
        """Whether the processor draws, not a graphics card."""
        return any(name in self.renderer.lower() for name in _SOFTWARE)


def probe() -> Graphics:
    """Ask for OpenGL without showing anything: 0.1 to 0.2 s. Needs a running QGuiApplication."""
    platform = QGuiApplication.platformName()
    if platform in _WITHOUT_WIDGETS:
        return Graphics("", f"the display platform '{platform}' shows no OpenGL")
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not surface.isValid() or not context.create():
        return Graphics("", "the display offers no OpenGL context")
    if not context.makeCurrent(surface):
        return Graphics("", "the graphics driver refused its OpenGL context")
    try:
        return Graphics(str(context.functions().glGetString(_GL_RENDERER)))
    finally:
        context.doneCurrent()


class NoMap(QWidget):
    """What stands in the place of the map where it cannot be drawn."""

    def __init__(self, problem: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noMap")
        title = QLabel("The map cannot be drawn here")
        title.setObjectName("noMapTitle")
        title.setStyleSheet("font-size: 18px; font-weight: 600;")
        text = QLabel(
            f"It needs OpenGL 2.1 or newer, and {problem}.\n\n"
            "Install or update the driver of the graphics card and start Flatjam again. On Linux "
            "without one, the packages libgl1 and libgl1-mesa-dri draw it in software; over a "
            "remote desktop, start Flatjam on a display of the machine itself.\n\n"
            "Everything else works without the map."
        )
        text.setObjectName("noMapText")
        text.setWordWrap(True)
        text.setStyleSheet(f"color: {COLOURS['dim']};")
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        page = QWidget()
        page.setMaximumWidth(540)
        column = QVBoxLayout(page)
        column.setSpacing(2 * SPACE)
        column.addStretch()
        column.addWidget(title)
        column.addWidget(text)
        column.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(3 * SPACE, SPACE, 3 * SPACE, SPACE)
        row.addStretch(1)
        row.addWidget(page, 100)
        row.addStretch(1)
        self.setAccessibleName(title.text())
        self.setAccessibleDescription(text.text())
