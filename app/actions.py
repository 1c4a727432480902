"""One table of commands; menus, tool bar, palette and help read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import qtawesome
from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from app.theme import COLOURS

MENUS: tuple[tuple[str, str], ...] = (
    ("file", "&File"),
    ("edit", "&Edit"),
    ("play", "&Play"),
    ("explore", "E&xplore"),
    ("jam", "&Jam"),
    ("view", "&View"),
    ("help", "&Help"),
)


@dataclass(frozen=True)
class Command:
    """One thing the user can do.

    Parameters
    ----------
    id
        Name in code, ``menu.what``; the part before the point is its menu.
    text
        Name on screen, without dots where nothing more is asked.
    tip
        What it does, in a sentence.
    shortcut
        Keys, as Qt writes them.
    icon
        Name in the icon font.
    checkable
        Whether it is on or off.
    starts_group
        Whether a line is drawn above it in its menu.
    """

    id: str
    text: str
    tip: str
    shortcut: str = ""
    icon: str = ""
    checkable: bool = False
    starts_group: bool = False

    @property
    def menu(self) -> str:
        """The menu it is in."""
        return self.id.partition(".")[0]


C = Command
# fmt: off
COMMANDS: tuple[Command, ...] = (
    C("file.open_bundle", "Open bundle…", "Open another trained model.", "Ctrl+O",
      "mdi6.folder-open-outline"),
    C("file.open_midi_a", "Open MIDI file as A…", "Let the journey begin at a phrase of yours.",
      "Ctrl+1", "mdi6.file-import-outline", starts_group=True),
    C("file.open_midi_b", "Open MIDI file as B…", "Let the journey end at a phrase of yours.",
      "Ctrl+2", "mdi6.file-import-outline"),
    C("file.save_phrase", "Save phrase as MIDI…", "Write what you hear to a MIDI file.",
      "Ctrl+S", "mdi6.content-save-outline", starts_group=True),
    C("file.save_journey", "Save journey as MIDI…",
      "Write seven steps from A to B to a folder, one MIDI file each.", "Ctrl+J",
      "mdi6.vector-line"),
    C("file.render", "Render phrase to WAV…", "Write what you hear to a sound file.",
      "Ctrl+R", "mdi6.waveform"),
    C("file.fetch", "Fetch the recordings…",
      "Download the Groove dataset (3 MB), to hear landmarks as the drummers played them.",
      icon="mdi6.cloud-download-outline", starts_group=True),
    C("file.quit", "Quit", "End Flatjam.", "Ctrl+Q", "mdi6.exit-to-app", starts_group=True),
    C("edit.undo", "Undo", "Take back the last change.", "Ctrl+Z", "mdi6.undo"),
    C("edit.redo", "Redo", "Bring back what was taken back.", "Ctrl+Shift+Z",
      "mdi6.redo"),
    C("edit.reset_asks", "Reset what is asked",
      "Ask for no change of any attribute.", "Ctrl+0", "mdi6.restore",
      starts_group=True),
    C("play.toggle", "Play", "Start or stop the loop.", "Space", "mdi6.play", checkable=True),
    C("play.loop", "Loop", "Begin again at the phrase's end.", "L", "mdi6.repeat", checkable=True),
    C("play.metronome", "Metronome", "Click on each beat.", "M", "mdi6.metronome", checkable=True),
    C("play.tap", "Tap tempo", "Set the tempo by tapping this key on the beat.", "T",
      "mdi6.gesture-tap"),
    C("play.louder", "Louder", "Turn the volume up.", "Ctrl+Up", "mdi6.volume-high",
      starts_group=True),
    C("play.softer", "Softer", "Turn the volume down.", "Ctrl+Down", "mdi6.volume-low"),
    C("play.panic", "Panic", "Silence everything at once.", "Esc", "mdi6.hand-back-right",
      starts_group=True),
    C("play.soundfont", "Choose SoundFont…", "Choose the file that the sounds come from.",
      icon="mdi6.music-note", starts_group=True),
    C("play.restart_engine", "Start sound again", "Start the sound engine once more.",
      icon="mdi6.refresh"),
    C("explore.pin_a", "Pin as A", "Begin the journey at the landmark under the pointer, or the "
      "one you hear.", "A", "mdi6.alpha-a-circle"),
    C("explore.pin_b", "Pin as B", "End the journey at the landmark under the pointer, or the "
      "one you hear.", "B", "mdi6.alpha-b-circle"),
    C("explore.swap", "Swap A and B", "Turn the journey round.", "X", "mdi6.swap-horizontal"),
    C("explore.journey", "Hear the journey", "Leave the landmark and hear the point between A and "
      "B.", "J", "mdi6.vector-line", starts_group=True),
    C("explore.back", "Step towards A", "Go one of six steps back along the journey.", ",",
      "mdi6.chevron-left"),
    C("explore.forward", "Step towards B", "Go one of six steps on along the journey.", ".",
      "mdi6.chevron-right"),
    C("explore.random", "Random landmark", "Hear a landmark picked at random.", "N",
      "mdi6.dice-5-outline", starts_group=True),
    C("explore.as_played", "As played", "Hear the landmark as the drummer played it, not as the "
      "model hears it.", "P", "mdi6.account-music", checkable=True),
    C("jam.start_stop", "Start the jam", "Trade bars with the machine, or stop. In the Jam tab "
      "Space does it, too.", "F5", "mdi6.play"),
    C("jam.keep", "Keep", "Save the last phrases of both players as a bookmark.", "F9",
      "mdi6.bookmark-plus-outline"),
    C("jam.stage", "Stage", "Fill the screen with map, state and both grids. Esc leaves.",
      "Shift+F11", "mdi6.projector-screen-outline", checkable=True),
    C("jam.takes", "Takes…", "Hear and see jams again, and write them to files.", "Ctrl+T",
      "mdi6.playlist-music", starts_group=True),
    C("view.explore", "Explore", "Find grooves on the map.", "F2", "mdi6.map-search-outline",
      checkable=True),
    C("view.jam", "Jam", "Play with the machine.", "F3", "mdi6.account-music-outline",
      checkable=True),
    C("view.train", "Train", "Let a model learn, from your own grooves too.", "F4",
      "mdi6.school-outline", checkable=True),
    C("view.next_tab", "Next tab", "Show the tab after this one.", "Ctrl+Tab"),
    C("view.pca", "PCA", "Show the three directions in which the landmarks differ most. A "
      "straight line of the model's space is straight.", "F6", checkable=True,
      starts_group=True),
    C("view.attributes", "Attributes", "Show the attributes as axes, so that a direction can be "
      "read. A straight line of the model's space is straight.", "F7", checkable=True),
    C("view.umap", "UMAP", "Put landmarks together that are near in the model's space. It is "
      "fitted when first asked for, and bends the way from A to B.", "F8", checkable=True),
    C("view.cancel_umap", "Stop fitting UMAP", "Give up the fit that is running.",
      icon="mdi6.close"),
    C("view.reset_map", "Whole map", "Turn and zoom the map back to where it began.",
      "Ctrl+Home", "mdi6.home-outline", starts_group=True),
    C("view.full_screen", "Full screen", "Fill the screen, or give it back.", "F11",
      "mdi6.fullscreen", checkable=True),
    C("view.palette", "Find a command…", "Type what you want to do.", "Ctrl+K",
      "mdi6.magnify", starts_group=True),
    C("help.keys", "Keys and mouse", "Show what each key does.", "F1", "mdi6.keyboard-outline"),
    C("help.logs", "Open log folder", "Show the files that tell what happened.",
      icon="mdi6.folder-text-outline"),
    C("help.about", "About Flatjam", "Version, model, licences.", icon="mdi6.information-outline",
      starts_group=True),
)
# fmt: on


class Actions(QObject):
    """The commands as Qt actions, each bound to what it does.

    Parameters
    ----------
    window
        Where the shortcuts hold.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._actions: dict[str, QAction] = {}
        for command in COMMANDS:
            action = QAction(command.text, self)
            action.setObjectName(command.id)
            action.setCheckable(command.checkable)
            if command.shortcut:
                action.setShortcut(QKeySequence(command.shortcut))
            if command.icon:
                action.setIcon(icon(command.icon))
            self._actions[command.id] = action
            self._describe(command, None)
            window.addAction(action)

    def __getitem__(self, command_id: str) -> QAction:
        return self._actions[command_id]

    def bind(self, command_id: str, do: Callable[[], object]) -> None:
        """Say what a command does; checkable ones look at their own state."""
        self._actions[command_id].triggered.connect(lambda _checked: do())

    def set_disabled_because(self, command_id: str, reason: str | None) -> None:
        """Disable a command and say why in its tooltip, or enable it (``None``)."""
        self._actions[command_id].setEnabled(reason is None)
        command = next(command for command in COMMANDS if command.id == command_id)
        self._describe(command, reason)

    def set_checked(self, command_id: str, checked: bool) -> None:
        """Show a checkable command as on or off, without doing it."""
        self._actions[command_id].setChecked(checked)

    def fill(self, bar: QMenuBar) -> dict[str, QMenu]:
        """Put all commands into a menu bar and return its menus."""
        menus = {}
        for key, title in MENUS:
            menu = bar.addMenu(title)
            menu.setToolTipsVisible(True)
            menus[key] = menu
        for command in COMMANDS:
            if command.starts_group:
                menus[command.menu].addSeparator()
            menus[command.menu].addAction(self._actions[command.id])
        return menus

    def _describe(self, command: Command, reason: str | None) -> None:
        keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
        title = command.text.rstrip("…") + (f"  ({keys})" if keys else "")
        about = command.tip if reason is None else f"Not now: {reason}"
        action = self._actions[command.id]
        action.setToolTip(f"{title}\n{about}")
        action.setStatusTip(about)


def icon(name: str, colour: str = "text") -> QIcon:
    """Return an icon of the icon font in a colour of the theme; dim while disabled."""
    return qtawesome.icon(name, color=COLOURS[colour], color_disabled=COLOURS["faint"])
