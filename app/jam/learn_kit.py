"""A dialog that learns a kit: each pad is asked for, and hit once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from fmvae_core.music.drums import (
    DRUMS,
    DrumMap,
    DrumMapLearner,
    check_drum_map_title,
    save_drum_map,
)


class LearnKit(QDialog):
    """Asks for the drums one after the other and saves what was hit.

    Parameters
    ----------
    base
        Map for what is not hit: rims, edges.
    parent
        The window.

    Signals
    -------
    learnt(str)
        Key of the drum map that was saved.
    """

    learnt = Signal(str)

    def __init__(self, base: DrumMap, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Learn the kit")
        self._learner = DrumMapLearner(base)
        self.asked = QLabel()
        self.asked.setProperty("role", "title")
        self.asked.setAlignment(Qt.AlignmentFlag.AlignCenter)
        about = QLabel("Hit this pad of your kit once.")
        about.setProperty("role", "dim")
        about.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._about = about
        rest = QLabel(f"What you do not hit, such as rims and edges, stays as in {base.title}.")
        rest.setProperty("role", "small")
        rest.setWordWrap(True)
        self._marks: list[QLabel] = []
        grid = QGridLayout()
        grid.setHorizontalSpacing(20)
        grid.setVerticalSpacing(6)
        for row, drum in enumerate(DRUMS):
            mark = QLabel()
            mark.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._marks.append(mark)
            grid.addWidget(QLabel(drum.title), row, 0)
            grid.addWidget(mark, row, 1)
        self.skip = QPushButton("I have none")
        self.skip.setToolTip("Go on to the next drum.")
        self.skip.clicked.connect(self._skip)
        self.name = QLineEdit("My kit")
        self.name.setAccessibleName("Name of the drum map")
        self.name.textChanged.connect(lambda _: self._show())
        self.save = QPushButton("Save")
        self.save.clicked.connect(self._save)
        self._trouble = QLabel()
        self._trouble.setProperty("role", "warning")
        self._trouble.setWordWrap(True)
        cancel = QPushButton("Cancel")
        cancel.clicked.connect(self.reject)
        for button in (self.skip, self.save, cancel):
            button.setAutoDefault(False)
        naming = QHBoxLayout()
        naming.addWidget(QLabel("Name"))
        naming.addWidget(self.name, 1)
        buttons = QHBoxLayout()
        buttons.addWidget(self.skip)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 22, 28, 18)
        layout.setSpacing(12)
        layout.addWidget(self.asked)
        layout.addWidget(about)
        layout.addLayout(grid)
        layout.addWidget(rest)
        layout.addLayout(naming)
        layout.addWidget(self._trouble)
        layout.addLayout(buttons)
        self.setMinimumWidth(400)
        self._show()

    def hit(self, pitch: int) -> None:
        """Take a note of the kit as the drum that is asked for."""
        wanted = self._learner.wanted
        if wanted is not None and self._learner.hit(pitch):
            self._mark(wanted.key, f"note {pitch}")

    def _skip(self) -> None:
        wanted = self._learner.wanted
        if wanted is not None:
            self._learner.skip()
            self._mark(wanted.key, "none")

    def _mark(self, key: str, text: str) -> None:
        self._marks[[drum.key for drum in DRUMS].index(key)].setText(text)
        self._show()

    def _show(self) -> None:
        wanted = self._learner.wanted
        self.asked.setText("All done" if wanted is None else wanted.title)
        self._about.setText(
            "Give it a name and save it." if wanted is None else "Hit this pad of your kit once."
        )
        self.skip.setEnabled(wanted is not None)
        self.skip.setToolTip("Go on to the next drum." if wanted else "Not now: all were asked for")
        trouble = ""
        try:
            check_drum_map_title(self.name.text())
        except ValueError as error:
            trouble = str(error)
        self._trouble.setText(trouble)
        self._trouble.setVisible(bool(trouble))
        self.save.setEnabled(wanted is None and not trouble)
        self.save.setToolTip(
            "Save the drum map and use it."
            if self.save.isEnabled()
            else f"Not now: {trouble or 'some drums have not been hit yet'}"
        )

    def _save(self) -> None:
        try:
            saved = save_drum_map(self.name.text(), self._learner.categories)
        except (OSError, ValueError) as error:
            self._trouble.setText(f"It cannot be saved: {error}")
            self._trouble.show()
            return
        self.learnt.emit(saved.key)
        self.accept()
