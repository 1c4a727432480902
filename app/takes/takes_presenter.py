"""The Takes window: which takes and keeps there are, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QFile, QObject, QTimer
from PySide6.QtWidgets import QWidget

from app.models_menu import model_entries
from app.services.background import BackgroundJob
from app.services.engine_client import EngineClient
from app.state.session import Session
from app.state.settings import Settings
from app.takes.export_presenter import ExportPresenter, open_path
from app.takes.replay_presenter import OpenTake, ReplayPresenter
from app.takes.takes_view import TakesWindow
from app.widgets.notices import Remedy
from fmvae_core.jam.journal import JournalError
from fmvae_core.jam.replay import Replay
from fmvae_core.jam.takes import Summary, find_takes, read_take
from fmvae_core.models.bundle import Bundle, BundleError

_NONE_YET = (
    "There is nothing here yet. Each jam is recorded by itself; in a jam, Keep saves the last "
    "phrases of both."
)
_LOOK_MILLISECONDS = 500
_LOOKS = 10


class Takes(QObject):
    """Makes the window when it is first asked for."""

    def __init__(
        self, session: Session, settings: Settings, engine: EngineClient, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._engine = engine
        self._window = window
        self.presenter: TakesPresenter | None = None

    def open(self) -> None:
        """Show the window, with what there is now."""
        if self.presenter is None:
            view = TakesWindow(self._window)
            self.presenter = TakesPresenter(self._session, self._settings, self._engine, view, self)
        self.presenter.refresh()
        view = self.presenter.view
        view.show()
        view.raise_()
        view.activateWindow()

    def close(self) -> None:
        """End what goes on in the background."""
        if self.presenter is not None:
            self.presenter.close()


class TakesPresenter(QObject):
    """Ties the window to the files and the engine."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        engine: EngineClient,
        view: TakesWindow,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._engine = engine
        self._summaries: list[Summary] = []
        self._kind = "all"
        self._jobs: list[BackgroundJob] = []
        self._wanted: Path | None = None
        self._read: tuple[Path, int] | None = None  # which take was read last, and how old it was
        self._going: Path | None = None  # the take of the jam that goes on, or ended last
        self._was_jamming = False
        self._looks = 0  # at that take, until its end is written
        self._look_soon = QTimer(self, singleShot=True, interval=_LOOK_MILLISECONDS)
        self._look_soon.timeout.connect(self.refresh)
        self.view = view
        self.replay = ReplayPresenter(view, engine, session, self)
        self.replay.changed.connect(self._show_why_not)
        self.exports = ExportPresenter(view, self.replay, engine, self)
        self.exports.changed.connect(self._show_why_not)
        engine.jam.state_changed.connect(lambda _: self._on_jam())
        engine.jam.kept.connect(lambda _: self.refresh())
        engine.state_changed.connect(lambda _: self._show_why_not())
        session.bundle_changed.connect(self._show_why_not)
        view.chosen.connect(self._choose)
        view.kind_chosen.connect(self._choose_kind)
        view.asked.connect(self._do)
        view.closed.connect(self.replay.pause)
        if engine.jam.is_running:
            self._note_jam()

    def close(self) -> None:
        """End what goes on in the background, and close the window."""
        self._look_soon.stop()
        self._looks = 0
        for job in self._jobs:
            job.close()
        self.exports.close()
        self.view.close()

    def refresh(self) -> None:
        """Look at what there is."""
        known = tuple(self._summaries)
        self._run(lambda: find_takes(known), self._on_found)

    # --- the list -------------------------------------------------------------------------------

    def _on_found(self, found: tuple[list[Summary], int]) -> None:
        self._summaries, bad = found
        self._show_list()
        if bad:
            self.view.notices.show_notice(
                "bad",
                f"{bad} file{'s' if bad > 1 else ''} could not be read and "
                f"{'are' if bad > 1 else 'is'} not listed.",
                "They may be damaged, or of a newer Flatjam.",
            )
        else:
            self.view.notices.settle("bad")
        ended = next((each for each in self._summaries if each.path == self._going), None)
        if self._looks and not (ended is not None and ended.is_whole):
            self._looks -= 1
            self._look_soon.start()
        else:
            self._looks = 0

    def _choose_kind(self, kind: str) -> None:
        self._kind = kind
        self._show_list()

    def _show_list(self) -> None:
        shown = [
            summary
            for summary in self._summaries
            if self._kind == "all" or summary.is_keep == (self._kind == "keeps")
        ]
        current = self._wanted
        rows = [(each.path, each.is_keep, _two_lines(each)) for each in shown]
        self.view.show_empty(_NONE_YET)
        self.view.show_list(rows, current)

    # --- the take that is shown -----------------------------------------------------------------

    def _choose(self, path: Path | None) -> None:
        take = self.replay.take
        self._wanted = path
        if path is None:
            self.replay.show(None)
            self.view.show_no_take("Choose a take at the left." if self._summaries else _NONE_YET)
            self._show_why_not()
            return
        summary = self._summary_of(path)
        if take is None or (path, summary.changed) != self._read:
            self._read = (path, summary.changed)
            known = self._session.bundle
            recent = tuple(self._settings.recent_bundles)
            title = f"{datetime.fromtimestamp(summary.when):%d %b %H:%M}"
            self._run(lambda: open_take(path, title, known, recent), self._on_opened)

    def _on_opened(self, take: OpenTake) -> None:
        if take.path != self._wanted:
            return  # another one was chosen meanwhile
        summary = self._summary_of(take.path)
        self.view.show_take(_title(summary), _about(summary, take))
        self.replay.show(take)
        self._show_why_not()

    def _summary_of(self, path: Path) -> Summary:
        return next(each for each in self._summaries if each.path == path)

    def _on_jam(self) -> None:
        if self._engine.jam.is_running:
            self.replay.pause()
            self._note_jam()
        elif self._was_jamming:
            self._was_jamming = False
            self._looks = 0 if self._going is None else _LOOKS
            self.refresh()
        self._show_why_not()

    def _note_jam(self) -> None:
        state = self._engine.jam.state
        self._was_jamming = True
        self._going = None if state is None else state.take

    def _show_why_not(self) -> None:
        take = self.replay.take
        nothing = None if take is not None else "choose a take first"
        busy = "a file is being written" if self.exports.is_busy else None
        pin = nothing
        if pin is None and self.replay.pinned() is None:
            pin = "at the playhead both must have a phrase, of the model that is open"
        self.view.show_why_not(
            {
                "play": nothing
                or ("a jam is going on" if self._engine.jam.is_running else None)
                or (None if self._engine.state is not None else "the sound engine is not there"),
                "pin": pin,
                "midi": nothing or busy,
                "wav": nothing or busy,
                "video": nothing
                or busy
                or (None if take and take.bundle else "the model of this take is not here"),
                "folder": nothing,
                "delete": nothing
                or ("this take is going on" if take and self._is_going_on(take.path) else None),
            }
        )

    def _is_going_on(self, path: Path) -> bool:
        state = self._engine.jam.state
        return self._engine.jam.is_running and state is not None and state.take == path

    def _do(self, what: str) -> None:
        match what:
            case "pin":
                self._pin()
            case "folder":
                self._open_folder()
            case "delete":
                self._delete()
            case _:
                self.exports.ask(what)

    def _pin(self) -> None:
        ends = self.replay.pinned()
        if ends is not None:
            self._session.edit(
                "Pin phrases of a take", a=ends[0], b=ends[1], position=0.0, landmark=None
            )
            self._say("The journey of the Explore tab leads from your phrase to the machine's.", "")

    def _open_folder(self) -> None:
        if self.replay.take is not None:
            open_path(self.replay.take.path.parent)

    def _delete(self) -> None:
        take = self.replay.take
        if take is None:
            return
        self.replay.pause()
        if QFile(str(take.path)).moveToTrash():
            self._say(f"{take.path.name} is in the trash.", "Bring it back from there.")
            self._wanted = self.view.neighbour()
        else:
            self.view.notices.show_notice(
                "takes",
                f"{take.path.name} could not be put into the trash.",
                "Delete it in its folder.",
                "error",
                (Remedy("Open folder", self._open_folder),),
            )
        self.refresh()

    def _say(self, text: str, remedy: str) -> None:
        self.view.notices.show_notice("takes", text, remedy, "info")

    # --- the background -------------------------------------------------------------------------

    def _run(self, work: Callable[[], object], then: Callable[..., object]) -> None:
        job = BackgroundJob(lambda _report: work(), (JournalError, OSError), self)
        self._jobs.append(job)
        job.finished.connect(then)
        job.failed.connect(self._on_failed)
        for ending in (job.finished, job.failed, job.cancelled):
            ending.connect(lambda *_: self._jobs.remove(job))
        job.start()

    def _on_failed(self, why: str) -> None:
        self.replay.show(None)
        text, _, remedy = why.partition("; ")
        self.view.show_no_take(f"{text}.\n{remedy}" if remedy else text)
        self._show_why_not()


def open_take(path: Path, title: str, known: Bundle | None, recent: Iterable[str]) -> OpenTake:
    """Read a take, and find the model that answered in it among those that are known here.

    Raises
    ------
    JournalError
        If it cannot be read.
    """
    journal = read_take(path)
    replay = Replay(journal)
    assert (replay.human, replay.machine) is not None  # computed here, not in the GUI's thread
    bundle = None
    if replay.bundles:
        bundle = _find(replay.bundles[0], known, recent)
    return OpenTake(path, title, journal, replay, bundle)


def _find(sha256: str, known: Bundle | None, recent: Iterable[str]) -> Bundle | None:
    if known is not None and known.sha256 == sha256:
        return known
    for entry in model_entries(recent):
        try:
            bundle = Bundle.open(entry.path)
        except BundleError:
            continue
        if bundle.sha256 == sha256:
            return bundle
    return None


def _title(summary: Summary) -> str:
    return f"{datetime.fromtimestamp(summary.when):%d %B %Y, %H:%M}"


def _two_lines(summary: Summary) -> str:
    when = datetime.fromtimestamp(summary.when)
    first = f"{when:%d %b %Y, %H:%M}"
    if summary.is_keep:
        return f"{first}\nkept · {summary.tempo:.0f} bpm · {summary.hits} hits"
    return f"{first}\n{_length(summary.seconds)} · {summary.tempo:.0f} bpm · {_answers(summary)}"


def _about(summary: Summary, take: OpenTake) -> str:
    parts = [f"{summary.hits} hits", _answers(summary)]
    if not summary.is_keep:
        parts.append(summary.mode.replace("_", " "))
        if summary.kept:
            parts.append(f"kept {summary.kept}×")
    parts.append(take.bundle.name if take.bundle is not None else "model not here")
    if not summary.is_whole:
        parts.append("not stopped: it is going on, or was cut off")
    return " · ".join(parts)


def _answers(summary: Summary) -> str:
    return f"{summary.answers} answer{'' if summary.answers == 1 else 's'}"


def _length(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
