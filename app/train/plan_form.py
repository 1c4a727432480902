"""What to train: corpus, model, device, settings; what it will take; Start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.jam.panels import Panel
from app.train.settings_form import SettingsForm
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, drum_maps

FROM_SCRATCH = ""

_MEASURE = "Measure a few steps: time, memory and disk of the whole run."

_CORPORA = (
    ("groove", "Groove: drummers"),
    ("ryans_mammoth", "Ryan's Mammoth: fiddles"),
    ("cello_suites", "Bach's cello suites"),
    ("midi_folder", "My own MIDI files"),
)
_DEVICES = (("auto", "GPU if there is one"), ("cpu", "CPU"), ("cuda", "GPU (CUDA)"))
_BEGIN = "Begin. It goes on when the window is closed."
_SEND = "Send the run there, and the music with it. It goes on when this machine is switched off."


@dataclass(frozen=True)
class Choices:
    """What is chosen beside the settings."""

    corpus: str
    folder: Path | None
    drum_map: str
    bundle: str
    preset: str
    variant: str
    size: str
    device: str
    cluster: str
    name: str


class PlanForm(QFrame):
    """The left side of the Train tab. A folder can be dropped on it.

    Signals
    -------
    chosen()
        Something other than a setting was chosen.
    folder_taken()
        The user's own folder was chosen, perhaps again; ``chosen`` follows.
    settings_changed()
        A setting was typed.
    place_changed()
        The machine that shall train was typed.
    measure_asked(), start_asked()
        Buttons.
    """

    chosen = Signal()
    folder_taken = Signal()
    settings_changed = Signal()
    place_changed = Signal()
    measure_asked = Signal()
    start_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("trainPanel")
        self.setAcceptDrops(True)
        self._folder: Path | None = None
        self.corpus = _combo("Corpus", _CORPORA)
        self.folder = QPushButton("Choose a folder, or drop it here…")
        self.folder.clicked.connect(self._choose_folder)
        kits = [(key, device.title) for key, device in drum_maps().items()]
        self.drum_map = _combo("Kit that played", kits)
        self.drum_map.setCurrentIndex(self.drum_map.findData(DEFAULT_DRUM_MAP))
        self.preview = _words("preview")
        self.bundle = _combo("Begin with", ())
        self.preset = _combo("Preset", ())
        self.variant = _combo("Model", ())
        self.model_size = _combo("Size", ())
        self.device = _combo("Device", _DEVICES)
        self.cluster = QLineEdit()
        self.cluster.setAccessibleName("Train on")
        self.cluster.setPlaceholderText("This machine, or http://HEAD:8265")
        self.cluster.setClearButtonEnabled(True)
        self.cluster.setToolTip(
            "Empty: this machine. The address of a Ray cluster or of a GPU box has the run "
            "trained there and followed here; docs/cluster.md tells how to start one."
        )
        self.cluster.textEdited.connect(lambda _text: self.place_changed.emit())
        self.hardware = _words("hardware")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the run")
        self.settings = SettingsForm()
        self.settings.changed.connect(self.settings_changed)
        self.estimate = _words("estimate")
        self.measure = QPushButton("Estimate")
        self.measure.clicked.connect(self.measure_asked)
        self.start = QPushButton("Start")
        self.start.setObjectName("start")
        self.start.clicked.connect(self.start_asked)

        corpus = Panel("What to learn")
        corpus.add_rows([("Corpus", self.corpus)])
        corpus.body.addWidget(self.folder)
        self._kit_row = QWidget()
        row = QHBoxLayout(self._kit_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(12)
        label = QLabel("Kit")
        label.setFixedWidth(84)
        row.addWidget(label)
        row.addWidget(self.drum_map, 1)
        corpus.body.addWidget(self._kit_row)
        corpus.body.addWidget(self.preview)
        model = Panel("Model")
        model.add_rows(
            [
                ("Begin with", self.bundle),
                ("Preset", self.preset),
                ("Model", self.variant),
                ("Size", self.model_size),
                ("Train on", self.cluster),
                ("Device", self.device),
                ("Name", self.name),
            ]
        )
        model.body.addWidget(self.hardware)
        settings = Panel("Settings")
        head = QLabel("Those of the preset's paper size stand at the right.")
        head.setProperty("role", "small")
        settings.body.addWidget(head)
        self.kept = _words("kept")
        self.kept.hide()
        settings.body.addWidget(self.kept)
        settings.body.addWidget(self.settings)

        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(10)
        for part in (corpus, model, settings):
            column.addWidget(part)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        buttons = QHBoxLayout()
        buttons.addWidget(self.measure)
        buttons.addWidget(self.start, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(16, 8, 16, 12)
        foot.setSpacing(8)
        foot.addWidget(self.estimate)
        foot.addLayout(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(scroll, 1)
        layout.addLayout(foot)
        self.setFixedWidth(388)
        for box in (
            self.corpus,
            self.drum_map,
            self.bundle,
            self.preset,
            self.variant,
            self.model_size,
            self.device,
        ):
            box.activated.connect(lambda _index: self.chosen.emit())

    def choices(self) -> Choices:
        """Return what is chosen."""
        return Choices(
            corpus=str(self.corpus.currentData()),
            folder=self._folder,
            drum_map=str(self.drum_map.currentData()),
            bundle=str(self.bundle.currentData() or FROM_SCRATCH),
            preset=str(self.preset.currentData() or ""),
            variant=str(self.variant.currentData() or ""),
            size=str(self.model_size.currentData() or ""),
            device=str(self.device.currentData()),
            cluster=self.cluster.text().strip(),
            name=self.name.text().strip(),
        )

    def offer(
        self,
        bundles: Sequence[tuple[str, str]],
        presets: Sequence[tuple[str, str]],
        variants: Sequence[tuple[str, str]],
        sizes: Sequence[tuple[str, str]],
    ) -> None:
        """Offer bundles to fine-tune, presets, models, sizes; what is chosen stays if it can."""
        for box, entries in (
            (self.bundle, bundles),
            (self.preset, presets),
            (self.variant, variants),
            (self.model_size, sizes),
        ):
            chosen = box.currentData()
            box.clear()
            for key, text in entries:
                box.addItem(text, key)
            box.setCurrentIndex(max(0, box.findData(chosen)))
        is_fine_tuning = bool(self.bundle.currentData())
        why = "The bundle decides." if is_fine_tuning else ""
        for box in (self.preset, self.variant, self.model_size):
            box.setEnabled(not is_fine_tuning)
            box.setToolTip(why)
        is_own = self.corpus.currentData() == "midi_folder"
        self.folder.setVisible(is_own)

    def show_kit(self, is_shown: bool) -> None:
        """Ask for the kit that played, or not."""
        self._kit_row.setVisible(is_shown)

    def choose(self, **chosen: str) -> None:
        """Choose without telling: names of boxes with the keys of what to choose."""
        for name, key in chosen.items():
            box = getattr(self, name)
            box.setCurrentIndex(max(0, box.findData(key)))

    def take_folder(self, folder: Path) -> None:
        """Choose the user's own folder."""
        self._folder = folder
        self.folder.setText(folder.name or str(folder))
        self.folder.setToolTip(str(folder))
        self.choose(corpus="midi_folder")
        self.folder_taken.emit()
        self.chosen.emit()

    def set_start_because(self, reason: str | None) -> None:
        """Enable Start and Estimate (``None``), or say why not."""
        for button in (self.start, self.measure):
            button.setEnabled(reason is None)
        if self.cluster.text().strip():
            self.measure.setEnabled(False)
            self.measure.setToolTip("Only this machine can be measured.")
        else:
            self.measure.setToolTip(_MEASURE)
        begin = _SEND if self.cluster.text().strip() else _BEGIN
        self.start.setToolTip(reason or begin)

    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(
            self, "Learn from a folder of MIDI files", str(self._folder or Path.home())
        )
        if chosen:
            self.take_folder(Path(chosen))

    @override
    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _dropped_folder(event) is not None:
            event.acceptProposedAction()

    @override
    def dropEvent(self, event: QDropEvent) -> None:
        folder = _dropped_folder(event)
        if folder is not None:
            event.acceptProposedAction()
            self.take_folder(folder)


def _dropped_folder(event: QDropEvent) -> Path | None:
    for url in event.mimeData().urls():
        path = Path(url.toLocalFile())
        if path.is_dir():
            return path
    return None


def _combo(name: str, entries: Sequence[tuple[str, str]]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    # Long names of bundles shall not widen the panel.
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(12)
    for key, text in entries:
        box.addItem(text, key)
    return box


def _words(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setProperty("role", "small")
    return label
