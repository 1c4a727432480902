"""The event log of a run: JSON lines, and TensorBoard where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from fmvae_core.files import replacing
from fmvae_core.runs.files import BOARD_FOLDER, EVALUATIONS_FILE, EVENTS_FILE


def read_events(run: Path) -> list[dict[str, Any]]:
    """Return the events of a run; a line cut short by a crash at the very end is left out."""
    path = run / EVENTS_FILE
    if not path.is_file():
        return []
    events = []
    for line in path.read_text("utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        events.append(json.loads(line))
    return events


class EventLog:
    """Writes the events of a run.

    Parameters
    ----------
    run
        Folder of the run; ``None`` for one who says nothing.
    first_step
        Step the run goes on from: later events, of a leg that was lost, are removed, so that the
        log of a resumed run equals that of an uninterrupted one.
    """

    def __init__(self, run: Path | None, first_step: int = 0) -> None:
        self._files: tuple[IO[str], ...] = ()
        self._board = None
        if run is None:
            return
        kept = [event for event in read_events(run) if event["step"] <= first_step]
        with replacing(run / EVENTS_FILE) as scratch:
            scratch.write_text("".join(json.dumps(event) + "\n" for event in kept), "utf-8")
        few = [event for event in kept if event["kind"] != "step"]
        with replacing(run / EVALUATIONS_FILE) as scratch:
            scratch.write_text("".join(json.dumps(event) + "\n" for event in few), "utf-8")
        self._files = (
            open(run / EVENTS_FILE, "a", encoding="utf-8"),  # noqa: SIM115
            open(run / EVALUATIONS_FILE, "a", encoding="utf-8"),  # noqa: SIM115
        )
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            pass  # training alone does without it
        else:
            self._board = SummaryWriter(str(run / BOARD_FOLDER), purge_step=first_step + 1)

    def write(self, kind: str, step: int, values: dict[str, float | str | bool]) -> None:
        """Append one event; numbers go to TensorBoard too."""
        line = json.dumps({"kind": kind, "step": step, **values}) + "\n"
        for file in self._files[:1] if kind == "step" else self._files:
            file.write(line)
            file.flush()
        if self._board is not None:
            for name, value in values.items():
                if not isinstance(value, (str, bool)):
                    self._board.add_scalar(f"{kind}/{name}", value, step)

    def __enter__(self) -> EventLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.close()
        if self._board is not None:
            self._board.close()
