"""Where a run tells how it stands and finds its orders: files in its folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fmvae_core.runs.files import EVALUATIONS_FILE, PACE_FILE
from fmvae_core.runs.orders import Order, read_order
from fmvae_core.runs.record import RunRecord, RunState, StateName, read_state, write_state
from fmvae_core.training.trainer import Progress, Trainer

LOOK_SECONDS = 0.2
_TELL_SECONDS = 1.0
_PACE_SECONDS = 5.0
_TAIL_BYTES = 8192


@dataclass
class Desk:
    """Where a run tells how it stands and finds its orders: files, looked at a few times a second.

    Parameters
    ----------
    folder, record
        The run.
    yields_to_jams
        Whether a jam is a reason to halt.
    is_silent
        Whether to write nothing, in a process that is not the first.
    """

    folder: Path
    record: RunRecord
    yields_to_jams: bool
    is_silent: bool = False
    note: str = ""
    _state: RunState = field(init=False)
    _told: float = -math.inf
    _looked: float = -math.inf
    _paced: float = -math.inf
    _why: Order | str | None = None

    def __post_init__(self) -> None:
        # What was learnt before is told even where it fails before the checkpoint is read.
        self._state = read_state(self.folder)

    def know(self, trainer: Trainer) -> None:
        """Take down what does not change while it trains."""
        self._state = dataclasses.replace(
            self._state,
            phrases=trainer.phrase_count,
            parameters=trainer.parameter_count,
            device=str(trainer.hardware),
            batch_size=trainer.config.optimiser.batch_size,
            steps=trainer.config.optimiser.steps,
            step=trainer.step,
            seconds=trainer.seconds,
        )

    def tell(self, state: StateName, *, note: str | None = None, reason: str = "") -> None:
        """Tell how it stands, at once where that is new."""
        now = time.monotonic()
        is_news = state != self._state.state or reason != self._state.reason
        if self.is_silent or (not is_news and now - self._told < _TELL_SECONDS):
            return
        self._state = dataclasses.replace(
            self._state,
            state=state,
            reason=reason,
            note=self.note if note is None else note,
            figures=self._last_figures(),
        )
        self._told = now
        write_state(self.folder, self._state)

    def refresh(self, trainer: Trainer) -> None:
        """Tell how far it is, about once a second."""
        self._state = dataclasses.replace(self._state, step=trainer.step, seconds=trainer.seconds)
        if self._state.is_active:
            self.tell(self._state.state)

    def progress(self, progress: Progress) -> None:
        """Take down the speed."""
        self._state = dataclasses.replace(self._state, seconds_per_step=progress.seconds_per_step)
        now = time.monotonic()
        if not self.is_silent and now - self._paced >= _PACE_SECONDS:
            self._paced = now
            batch = self._state.batch_size
            values: dict[str, Any] = {
                "kind": "pace",
                "step": progress.step,
                "phrases_per_second": batch / max(progress.seconds_per_step, 1e-9),
            }
            with open(self.folder / PACE_FILE, "a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def why_halt(self) -> str | None:
        """Return ``pause``, ``stop`` or ``jam``, or ``None`` to go on."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            order = read_order(self.folder)
            self._why = None if order == "run" else order
            if self._why is None and self.yields_to_jams and _is_jam():
                self._why = "jam"
        return self._why

    def _last_figures(self) -> dict[str, float]:
        file = self.folder / EVALUATIONS_FILE
        if not file.exists():
            return {}
        with open(file, "rb") as opened:
            opened.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            lines = opened.read().decode().splitlines()
        # Those of the space are taken less often, so they may lie further back.
        figures: dict[str, float] = {}
        wanted = {"validation", "space"}
        for line in reversed(lines):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("kind") in wanted:
                    wanted.remove(event["kind"])
                    figures |= {
                        name: value
                        for name, value in event.items()
                        if name not in ("kind", "step") and isinstance(value, float)
                    }
        return figures


def _is_jam() -> bool:
    from fmvae_core.jam.in_progress import is_jam_in_progress  # a bare GPU machine has no jams

    return is_jam_in_progress()
