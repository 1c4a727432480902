"""The look: colours, type and spacing in one place."""

from __future__ import annotations

import logging
from string import Template
from typing import TypeVar

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.widgets.colours import BACKGROUND, FAINT, HUMAN, MACHINE, OUTLINE, SURFACE, TEXT
from fmvae_core.files import resource

log = logging.getLogger(__name__)

COLOURS: dict[str, str] = {
    "ground": BACKGROUND,  # behind everything
    "surface": SURFACE,  # panels
    "raised": "#1c2330",  # controls
    "hover": "#273142",
    "line": OUTLINE,
    "text": TEXT,
    "dim": "#98a2b4",  # second-rank text
    "faint": FAINT,  # marks without a text of their own, and disabled controls
    "machine": MACHINE,  # the machine's accent, cool: what is active
    "machine_deep": "#17415a",
    "human": HUMAN,  # the human's accent, warm: what the user asks for
    "human_deep": "#493617",
    "good": "#6fd6a2",
    "bad": "#ff8177",
    "bad_deep": "#43222a",
}
"""Names for code and for the style sheet. Text reaches 4.5 to 1 on each ground it is used on."""

SPACE = 8
"""Pixels; all margins and gaps are multiples or halves of it."""

_FONTS = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return a colour of the theme by its name in `COLOURS`."""
    result = QColor(COLOURS[name])
    result.setAlphaF(alpha)
    return result


W = TypeVar("W", bound=QWidget)


def named(widget: W, name: str) -> W:
    """Return the widget under a name that the style sheet knows."""
    widget.setObjectName(name)
    return widget


def numerals(font: QFont) -> QFont:
    """Return the font with figures of equal width, so that changing numbers do not jump."""
    result = QFont(font)
    result.setFeature(QFont.Tag("tnum"), 1)
    return result


def apply_theme(app: QApplication) -> None:
    """Dress the application."""
    app.setStyle("Fusion")  # the only style that follows palettes and sheets alike everywhere
    families = set()
    for name in _FONTS:
        number = QFontDatabase.addApplicationFont(str(resource("fonts", name)))
        families.update(QFontDatabase.applicationFontFamilies(number))
    if not families:
        log.warning("no font in %s can be loaded; the system's is used", resource("fonts"))
    font = QFont(sorted(families, key=len)[0]) if families else app.font()
    font.setPixelSize(14)
    app.setFont(font)

    palette = QPalette()
    role = QPalette.ColorRole
    for part, name in (
        (role.Window, "ground"),
        (role.Base, "surface"),
        (role.AlternateBase, "raised"),
        (role.Button, "raised"),
        (role.ToolTipBase, "raised"),
        (role.WindowText, "text"),
        (role.Text, "text"),
        (role.ButtonText, "text"),
        (role.ToolTipText, "text"),
        (role.PlaceholderText, "dim"),
        (role.Highlight, "machine_deep"),
        (role.HighlightedText, "text"),
        (role.Accent, "machine"),
        (role.Link, "machine"),
    ):
        palette.setColor(part, colour(name))
    for part in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, part, colour("faint"))
    app.setPalette(palette)

    sheet = Template(resource("theme", "flatjam.qss").read_text("utf-8"))
    app.setStyleSheet(sheet.substitute(COLOURS, icons=resource("theme").as_posix()))
