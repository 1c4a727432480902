"""The look: colours, type and spacing in one place."""

from __future__ import annotations

import logging
from string import Template

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication

from fmvae_core.files import resource

log = logging.getLogger(__name__)

COLOURS: dict[str, str] = {
    "ground": "#0f1217",  # behind everything
    "surface": "#161a21",  # panels
    "raised": "#1f252e",  # controls
    "hover": "#29313c",
    "line": "#2d3540",
    "text": "#e9edf2",
    "dim": "#a2adbb",  # second-rank text; 7.7 to 1 on a panel
    "faint": "#5d6875",  # marks without a text of their own
    "machine": "#62c6ff",  # the machine's accent, cool: what is active
    "machine_deep": "#1d4963",
    "human": "#ffb865",  # the human's accent, warm
    "human_deep": "#5a4021",
    "good": "#6fd6a2",
    "bad": "#ff7a70",
    "bad_deep": "#4b2326",
}
"""Names to use in code and in the style sheet. Text reaches 4.5 to 1 on each ground it is used on."""

SPACE = 8
"""Pixels; all margins and gaps are multiples or halves of it."""

_FONTS = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return a colour of the theme by its name in `COLOURS`."""
    result = QColor(COLOURS[name])
    result.setAlphaF(alpha)
    return result


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
        log.warning("the fonts in %s cannot be loaded; the system's font is used", resource("fonts"))
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
