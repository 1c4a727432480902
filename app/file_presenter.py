"""Files in and out: bundles, MIDI, sound files, the recordings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QWidget

from app.actions import Actions
from app.explore.explore_presenter import ExplorePresenter
from app.explore.journey_presenter import JourneyPresenter
from app.services.background import BackgroundJob, Progress
from app.services.engine_client import EngineClient
from app.services.model_client import ModelClient
from app.state.session import Anchor, AnchorName, Session
from app.widgets.notices import Notices, Remedy
from fmvae_core.data.download import DownloadError, groove_zip
from fmvae_core.inference.messages import PhraseEncoded, WorkerProblem
from fmvae_core.live.library import SoundError
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, drum_maps
from fmvae_core.music.midi_file import (
    MidiFileError,
    NoNotesError,
    Performance,
    read_midi,
    write_midi,
)
from fmvae_core.music.phrase import BEATS_PER_BAR, STEP_BEATS, Phrase

log = logging.getLogger(__name__)

_MIDI = "MIDI files (*.mid *.midi)"


class FilePresenter(QObject):
    """What the File menu does.

    Signals
    -------
    changed()
        Something began or ended that commands depend on.
    recordings_fetched()
        The Groove dataset is in the cache now.
    """

    changed = Signal()
    recordings_fetched = Signal()

    def __init__(
        self,
        session: Session,
        explore: ExplorePresenter,
        journey: JourneyPresenter,
        model: ModelClient,
        engine: EngineClient,
        notices: Notices,
        actions: Actions,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._explore = explore
        self._journey = journey
        self._model = model
        self._engine = engine
        self._notices = notices
        self._window = window
        self._folder = str(Path.home())
        self._encoding: dict[int, tuple[AnchorName, Path, float]] = {}
        self._fetching: BackgroundJob | None = None
        self._rendering: BackgroundJob | None = None
        model.encoded.connect(self._on_encoded)
        model.problem.connect(self._on_problem)
        for command, do in (
            ("file.open_midi_a", lambda: self._choose_midi("A")),
            ("file.open_midi_b", lambda: self._choose_midi("B")),
            ("file.save_phrase", self._choose_phrase_file),
            ("file.save_journey", self._choose_journey_folder),
            ("file.render", self._choose_sound_file),
            ("file.fetch", self.fetch),
        ):
            actions.bind(command, do)

    @property
    def is_fetching(self) -> bool:
        """Whether the recordings are being fetched."""
        return self._fetching is not None

    @property
    def is_rendering(self) -> bool:
        """Whether a sound file is being written."""
        return self._rendering is not None

    def close(self) -> None:
        """End what goes on in the background."""
        for job in (self._fetching, self._rendering):
            if job is not None:
                job.close()

    # --- MIDI in --------------------------------------------------------------------------------

    def open_midi(self, name: AnchorName, path: Path) -> None:
        """Pin the first bars of a MIDI file that hold notes as A or B."""
        bundle = self._session.bundle
        if bundle is None or not self._model.is_ready:
            self._notices.show_notice(
                "midi", f"{path.name} cannot be used yet:", "the model is not loaded.", "warning"
            )
            return
        try:
            performance = _read(path, bundle.representation.name == "drums")
            first = min(note.onset for note in performance.notes)
            bar = int((first + 0.5 * STEP_BEATS) // BEATS_PER_BAR)
            phrase = performance.phrase(bar, bundle.bars)
        except MidiFileError as error:
            self._notices.show_notice("midi", "This MIDI file cannot be used.", str(error))
            return
        self._notices.settle("midi")
        kit = likely_drum_map(phrase) if phrase.is_drums else DEFAULT_DRUM_MAP
        revision = self._model.encode(phrase, kit)
        self._encoding[revision] = (name, path, performance.bars)

    def _choose_midi(self, name: AnchorName) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, f"Open MIDI file as {name}", self._folder, _MIDI
        )
        if path:
            self._folder = str(Path(path).parent)
            self.open_midi(name, Path(path))

    def _on_encoded(self, answer: PhraseEncoded) -> None:
        name, path, bars = self._encoding.pop(answer.revision, (None, Path(), 0))
        bundle = self._session.bundle
        if name is None or bundle is None:
            return
        cut = f", its first {bundle.bars} bars" if bars > bundle.bars else ""
        anchor = Anchor(answer.z, f"{path.name}{cut}")
        self._session.edit(f"Open {path.name} as {name}", landmark=None, **{name.lower(): anchor})

    def _on_problem(self, problem: WorkerProblem) -> None:
        if self._encoding.pop(problem.revision, None) is not None:
            self._notices.show_notice("midi", problem.text, problem.remedy)

    # --- MIDI and sound out ---------------------------------------------------------------------

    def save_phrase(self, path: Path) -> None:
        """Write what is heard to a MIDI file."""
        phrase = self._explore.phrase
        if phrase is not None and self._wrote(lambda: write_midi(phrase, path), path):
            self._saved(f"Saved {path.name}.", path.parent)

    def save_journey(self, folder: Path) -> None:
        """Write the steps from A to B to a folder, one MIDI file each."""
        bundle = self._session.bundle
        if bundle is None or not self._journey.frames:
            return
        tempo = self._session.state.tempo
        for number, frames in enumerate(self._journey.frames, start=1):
            phrase = bundle.representation.decode(frames, tempo, bundle.thresholds)
            path = folder / f"journey-{number}.mid"
            if not self._wrote(partial(write_midi, phrase, path), path):
                return
        self._saved(f"Saved {len(self._journey.frames)} files in {folder.name}.", folder)

    def render(self, path: Path) -> None:
        """Write what is heard to a sound file, in the background."""
        phrase, state = self._explore.phrase, self._engine.state
        if phrase is None or self._rendering is not None:
            return
        soundfont = state.soundfont if state else None
        instrument = self._session.state.instrument
        job = BackgroundJob(
            lambda report: _render(phrase, path, soundfont, instrument, report),
            (SoundError, ValueError, OSError),
            self,
        )
        self._rendering = job
        job.progressed.connect(self._show_rendering)
        job.finished.connect(lambda _result: self._saved(f"Saved {path.name}.", path.parent))
        job.failed.connect(
            lambda why: self._notices.show_notice(
                "saved", f"{path.name} could not be written.", why, "error"
            )
        )
        for ending in (job.finished, job.failed, job.cancelled):
            ending.connect(self._render_ended)
        self._show_rendering(0, 0)
        job.start()
        self.changed.emit()

    def _show_rendering(self, done: int, total: int) -> None:
        self._show_progress("render", "Writing the sound file:", self._rendering, done, total)

    def _render_ended(self) -> None:
        self._rendering = None
        self._notices.settle("render")
        self.changed.emit()

    def _choose_phrase_file(self) -> None:
        path = self._ask_where("Save phrase as MIDI", "phrase.mid", _MIDI, ".mid")
        if path is not None:
            self.save_phrase(path)

    def _choose_journey_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(
            self._window, "Save journey: choose a folder", self._folder
        )
        if folder:
            self._folder = folder
            self.save_journey(Path(folder))

    def _choose_sound_file(self) -> None:
        path = self._ask_where("Render phrase to WAV", "phrase.wav", "Sound files (*.wav)", ".wav")
        if path is not None:
            self.render(path)

    def _ask_where(self, title: str, name: str, kinds: str, suffix: str) -> Path | None:
        chosen, _ = QFileDialog.getSaveFileName(
            self._window, title, str(Path(self._folder) / name), kinds
        )
        if not chosen:
            return None
        path = Path(chosen)
        self._folder = str(path.parent)
        return path if path.suffix else path.with_suffix(suffix)

    def _wrote(self, write: Callable[[], None], path: Path) -> bool:
        try:
            write()
        except OSError as error:
            self._notices.show_notice(
                "saved",
                f"{path.name} could not be written ({error.strerror or error}).",
                "Choose another folder.",
                "error",
            )
            return False
        return True

    def _saved(self, text: str, folder: Path) -> None:
        button = Remedy("Open folder", lambda: _open_folder(folder))
        self._notices.show_notice("saved", text, str(folder), "info", (button,))

    # --- the recordings -------------------------------------------------------------------------

    def fetch(self) -> None:
        """Download the Groove dataset into the cache."""
        if self._fetching is not None:
            return
        job = BackgroundJob(_fetch, (DownloadError, OSError), self)
        self._fetching = job
        job.progressed.connect(self._show_fetching)
        job.finished.connect(self._fetched)
        job.failed.connect(
            lambda why: self._notices.show_notice(
                "fetch",
                "The recordings could not be fetched.",
                why,
                "warning",
                (Remedy("Try again", self.fetch),),
            )
        )
        job.cancelled.connect(lambda: self._notices.settle("fetch"))
        for ending in (job.finished, job.failed, job.cancelled):
            ending.connect(self._fetch_ended)
        self._show_fetching(0, 0)
        job.start()
        self.changed.emit()

    def _show_fetching(self, done: int, total: int) -> None:
        self._show_progress("fetch", "Fetching the recordings:", self._fetching, done, total)

    def _fetched(self, _path: object) -> None:
        self._notices.show_notice(
            "fetch",
            "The recordings are here.",
            "Click a landmark and press P to hear it as the drummer played it.",
            "info",
        )
        self.recordings_fetched.emit()

    def _fetch_ended(self) -> None:
        self._fetching = None
        self.changed.emit()

    def _show_progress(
        self, key: str, text: str, job: BackgroundJob | None, done: int, total: int
    ) -> None:
        if job is not None:
            share = f"{100 * done / total:.0f} %" if total else "starting…"
            self._notices.show_notice(key, text, share, "info", (Remedy("Cancel", job.cancel),))


def likely_drum_map(phrase: Phrase) -> str:
    """Return the drum map that knows most of a phrase's notes; General MIDI where several do.

    Files rarely tell the device that played them; most are General MIDI, and the TD-11's hi-hat and
    tom edges (22, 26, 58), which that does not know, give the others away.
    """
    counts = Counter(note.pitch for note in phrase.notes)
    keys = sorted(drum_maps(), key=lambda key: key != "general-midi")
    return max(keys, key=lambda key: sum(counts[pitch] for pitch in drum_maps()[key].categories))


def _read(path: Path, drums: bool) -> Performance:
    try:
        return read_midi(path, drums=drums)
    except NoNotesError:
        told = (
            "no drums (nothing on channel 10); this model plays drums"
            if drums
            else "no melody (nothing but channel 10, the drums); this model plays melodies"
        )
        raise MidiFileError(f"{path.name} has {told}") from None


def _render(
    phrase: Phrase, path: Path, soundfont: str | None, instrument: int, report: Progress
) -> Path:
    from fmvae_core.live.render import render  # FluidSynth is not loaded before it is needed

    render(phrase, path, soundfont, instrument=instrument, progress=report)
    return path


def _fetch(report: Progress) -> Path:
    return groove_zip(report)


def _open_folder(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
