"""The main window: menus, transport bar, banners and the tabs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSize, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QIcon,
    QPaintEvent,
)
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget
from typing_extensions import override

from app.actions import COMMANDS, MENUS, Actions
from app.explore.explore_view import ExploreView
from app.state.session import Session
from app.widgets.command_palette import CommandPalette
from app.widgets.dialogs import HelpSheet
from app.widgets.notices import Notices
from app.widgets.transport_bar import TransportBar
from fmvae_core.files import resource


class MainWindow(QMainWindow):
    """Everything that is seen. It holds widgets and emits intent.

    Signals
    -------
    painted()
        It is on screen for the first time.
    closing()
        It is about to close.
    midi_dropped(str, str)
        ``"A"`` or ``"B"``, and the file that was dropped on the left or right half.
    """

    painted = Signal()
    closing = Signal()
    midi_dropped = Signal(str, str)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setWindowTitle("Flatjam")
        self.setWindowIcon(QIcon(str(resource("theme", "flatjam.svg"))))
        self.setAcceptDrops(True)
        self.setMinimumSize(QSize(960, 600))
        self.actions_table = Actions(self)
        self.menus = self.actions_table.fill(self.menuBar())
        self.transport = TransportBar(self.actions_table)
        self.notices = Notices()
        self.explore = ExploreView(self.actions_table, session.undo)
        self._was_painted = False
        self._is_on_stage = False
        self._was_full_screen = False
        self._sizes: dict[str, list[int]] = {}
        self._splitters = {"whole": self.explore.whole, "left": self.explore.left}
        self._tabs = QStackedWidget()
        self._tabs.addWidget(self.explore)

        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.transport)
        self._banners = QWidget()
        margins = QVBoxLayout(self._banners)
        margins.setContentsMargins(8, 6, 8, 6)
        margins.addWidget(self.notices)
        layout.addWidget(self._banners)
        layout.addWidget(self._tabs, 1)
        self.setCentralWidget(body)
        self._banners.hide()
        self.notices.emptied.connect(self._banners.hide)
        self.notices.filled.connect(self._show_banners)

        self.actions_table.bind("view.full_screen", self._toggle_full_screen)
        self.actions_table.bind("view.palette", self._open_palette)
        self.actions_table.bind("help.keys", lambda: HelpSheet(self).show())
        self.actions_table.bind("file.quit", self.close)

    # --- geometry -------------------------------------------------------------------------------

    def geometry_text(self) -> str:
        """Return place and size as text for the settings."""
        return bytes(self.saveGeometry().toBase64().data()).decode()

    def splitters(self) -> dict[str, QSplitter]:
        """Return the splitters whose sizes are remembered."""
        return self._splitters

    def restore(self, geometry: str | None, sizes: dict[str, list[int]]) -> None:
        """Take up place, size and splitters from the last time; a sensible size without."""
        if geometry is None or not self.restoreGeometry(QByteArray.fromBase64(geometry.encode())):
            room = QGuiApplication.primaryScreen().availableGeometry()
            self.resize(min(1440, room.width()), min(900, room.height()))
        self._sizes = sizes
        self._restore_splitters(self._splitters)

    def _restore_splitters(self, splitters: dict[str, QSplitter]) -> None:
        for name, splitter in splitters.items():
            if len(self._sizes.get(name, [])) == splitter.count():
                splitter.setSizes(self._sizes[name])

    # --- tabs -----------------------------------------------------------------------------------

    def add_tab(self, view: QWidget, splitters: dict[str, QSplitter]) -> None:
        """Take in another tab, and its splitters whose sizes are remembered."""
        self._tabs.addWidget(view)
        self._splitters = self._splitters | splitters
        self._restore_splitters(splitters)

    def show_tab(self, view: QWidget) -> None:
        """Show one tab."""
        self._tabs.setCurrentWidget(view)

    def show_stage(self, is_on: bool) -> None:
        """Fill the screen with nothing but the tab, or show the window as it was."""
        self._is_on_stage = is_on
        self.menuBar().setVisible(not is_on)
        self.transport.setVisible(not is_on)
        if is_on:
            self._was_full_screen = self.isFullScreen()
            self.showFullScreen()
        elif not self._was_full_screen:
            self.showNormal()
        self.actions_table.set_checked("view.full_screen", self.isFullScreen())
        self._show_banners()

    def _show_banners(self) -> None:
        self._banners.setVisible(bool(self.notices.shown) and not self._is_on_stage)

    # --- Qt -------------------------------------------------------------------------------------

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._dropped_midi(event) is not None:
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        file = self._dropped_midi(event)
        if file is not None:
            side = "A" if event.position().x() < self.width() / 2 else "B"
            event.acceptProposedAction()
            self.midi_dropped.emit(side, file)

    def _dropped_midi(self, event: QDropEvent) -> str | None:
        for url in event.mimeData().urls():
            path = url.toLocalFile()
            if Path(path).suffix.lower() in (".mid", ".midi"):
                return path
        return None

    def _toggle_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()
        self.actions_table.set_checked("view.full_screen", self.isFullScreen())

    def _open_palette(self) -> None:
        menus = {key: title.replace("&", "") for key, title in MENUS}
        commands = [
            (f"{menus[command.menu]}: {command.text}", self.actions_table[command.id])
            for command in COMMANDS
            if command.id != "view.palette"
        ]
        CommandPalette(commands, self).open_over(self)
