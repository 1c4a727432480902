"""Banners: what is missing or broken, and what to do about it. They never block the window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import icon

Level = Literal["info", "warning", "error"]

_ICONS = {
    "info": ("mdi6.information-outline", "machine"),
    "warning": ("mdi6.alert-outline", "human"),
    "error": ("mdi6.alert-octagon-outline", "bad"),
}


@dataclass(frozen=True)
class Remedy:
    """A button on a banner: what it says and what it does."""

    text: str
    do: Callable[[], object]


class _Notice(QFrame):
    def __init__(
        self,
        level: Level,
        text: str,
        remedy: str,
        buttons: tuple[Remedy, ...],
        close: Callable[[], None],
    ) -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("level", level)
        self._level = level
        sign = QLabel()
        sign.setPixmap(icon(*_ICONS[level]).pixmap(QSize(20, 20)))
        self._label = label = QLabel()
        label.setTextFormat(Qt.TextFormat.RichText)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 6)
        layout.setSpacing(10)
        layout.addWidget(sign)
        layout.addWidget(label, 1)
        self.buttons: list[QPushButton] = []
        for number, entry in enumerate(buttons):
            button = QPushButton(entry.text)
            button.clicked.connect(lambda _checked=False, number=number: self._press(number))
            layout.addWidget(button)
            self.buttons.append(button)
        cross = QToolButton()
        cross.setIcon(icon("mdi6.close", "dim"))
        cross.setToolTip("Hide this message")
        cross.setAccessibleName("Hide this message")
        cross.clicked.connect(close)
        layout.addWidget(cross)
        self.say(text, remedy, buttons)

    def has_form(self, level: Level, buttons: tuple[Remedy, ...]) -> bool:
        """Return whether it looks as asked but for its words."""
        names = [button.text() for button in self.buttons]
        return self._level == level and names == [entry.text for entry in buttons]

    def say(self, text: str, remedy: str, buttons: tuple[Remedy, ...]) -> None:
        """Say something else in the same form: a button that is being pressed stays."""
        self.words = f"{text} {remedy}".strip()
        self.setAccessibleName(f"{self._level.capitalize()}: {self.words}")
        self._label.setText(f"<b>{_escape(text)}</b> {_escape(remedy)}")
        self._remedies = buttons

    def _press(self, number: int) -> None:
        self._remedies[number].do()


class Notices(QWidget):
    """The stack of banners, one for each matter.

    Signals
    -------
    filled(), emptied()
        There is something to say, or nothing any more.
    """

    filled = Signal()
    emptied = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._notices: dict[str, _Notice] = {}
        self._hidden: dict[str, str] = {}

    @property
    def shown(self) -> dict[str, str]:
        """What is said now, by matter."""
        return {key: notice.words for key, notice in self._notices.items()}

    def buttons(self, key: str) -> list[QPushButton]:
        """Return the buttons of one banner."""
        return list(self._notices[key].buttons)

    def show_notice(
        self,
        key: str,
        text: str,
        remedy: str = "",
        level: Level = "warning",
        buttons: tuple[Remedy, ...] = (),
    ) -> None:
        """Say something about a matter, in place of what was said about it before.

        What the user has hidden stays hidden until the words change or the matter is settled.
        """
        words = f"{text} {remedy}".strip()
        if self._hidden.get(key) == words:
            return
        current = self._notices.get(key)
        if current is not None and current.has_form(level, buttons):
            current.say(text, remedy, buttons)
            return
        self.settle(key)
        notice = _Notice(level, text, remedy, buttons, lambda: self._hide(key))
        self._notices[key] = notice
        self._layout.addWidget(notice)
        self.filled.emit()

    def settle(self, key: str) -> None:
        """Take away what was said about a matter."""
        self._hidden.pop(key, None)
        self._take(key)

    def _hide(self, key: str) -> None:
        self._hidden[key] = self._notices[key].words
        self._take(key)

    def _take(self, key: str) -> None:
        notice = self._notices.pop(key, None)
        if notice is not None:
            self._layout.removeWidget(notice)
            notice.hide()
            notice.deleteLater()
        if not self._notices:
            self.emptied.emit()


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
