"""A corpus: performances as one long run of frames, split, and cut into windows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fmvae_core.files import replacing
from fmvae_core.music.drum_representation import HITS
from fmvae_core.music.melody_representation import N_KEYS, Events, one_hot, without_orphans
from fmvae_core.music.phrase import STEPS_PER_BAR

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")

MIN_ONSETS = 4
"""Windows with fewer hits or notes are dropped: they are count-ins and endings, not phrases."""


class CorpusError(ValueError):
    """A corpus that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class SourcePerformance:
    """Where a performance comes from, and which rows of the corpus's frames are its own.

    Of a melody, `style` is its dance or collection, and `drummer` its composer or player.
    """

    source: str
    style: str
    drummer: str
    tempo: float
    split: Split
    first_step: int
    steps: int


@dataclass(frozen=True)
class Windows:
    """Windows of a split: ``(n,)`` first rows in `Corpus.frames`, performance index, first bar."""

    starts: npt.NDArray[np.int64]
    performance: npt.NDArray[np.int64]
    bar: npt.NDArray[np.int64]
    steps: int

    def __len__(self) -> int:
        return len(self.starts)


@dataclass(frozen=True)
class LeftOut:
    """What gives no phrase: performances shorter than one, windows with too few hits or notes."""

    short: int
    sparse: int


@dataclass(frozen=True)
class Corpus:
    """All performances of a corpus, quantised once.

    Parameters
    ----------
    name
        Key of the corpus.
    frames
        Performance after performance: ``(total steps, features)`` float32, or the events of
        melodies, ``(total steps,)`` uint8 (see `fmvae_core.music.melody_representation`).
    performances
        Their origin, split and rows.
    skipped
        Number of files left out, by reason.
    digest
        SHA-256 over what was parsed, for provenance.
    representation
        ``drums``, ``melody`` or ``motion``.
    """

    name: str
    frames: npt.NDArray[np.float32 | np.uint8]
    performances: tuple[SourcePerformance, ...]
    skipped: dict[str, int]
    digest: str
    representation: str = "drums"

    def windows(
        self, bars: int, split: Split | None = None, hop_steps: int = STEPS_PER_BAR
    ) -> Windows:
        """Slide a window over each performance of a split (or of all), by default bar by bar.

        Windows of drums or melody with fewer than `MIN_ONSETS` hits or notes are dropped.
        """
        steps = bars * STEPS_PER_BAR
        starts, performance, bar = [], [], []
        for index, first, kept in self._slide(steps, split, hop_steps):
            starts.append(first[kept] + self.performances[index].first_step)
            performance.append(np.full(int(kept.sum()), index))
            bar.append(first[kept] // STEPS_PER_BAR)
        if not starts:
            empty = np.zeros(0, np.int64)
            return Windows(empty, empty, empty, steps)
        return Windows(
            np.concatenate(starts), np.concatenate(performance), np.concatenate(bar), steps
        )

    def left_out(self, bars: int, split: Split | None = None) -> LeftOut:
        """Return how much of a split (or of all) `windows` drops."""
        short = sparse = 0
        for _, first, kept in self._slide(bars * STEPS_PER_BAR, split, STEPS_PER_BAR):
            short += len(first) == 0
            sparse += int((~kept).sum())
        return LeftOut(short, sparse)

    def cut(
        self, windows: Windows, shifts: npt.NDArray[np.integer] | None = None
    ) -> npt.NDArray[np.float32]:
        """Return the frames of windows, ``(n, steps, features)``.

        Parameters
        ----------
        windows
            Which.
        shifts
            Semitones by which each melody is transposed, ``(n,)``; within `shift_range`.

        Raises
        ------
        ValueError
            If a note would leave the keys, or what is not a melody is to be transposed.
        """
        if self.representation == "melody":
            return one_hot(self.events(windows, shifts))
        if shifts is not None:
            raise ValueError(f"only melodies can be transposed, not {self.representation}")
        return np.asarray(self.frames[_rows(windows)], np.float32)

    def events(self, windows: Windows, shifts: npt.NDArray[np.integer] | None = None) -> Events:
        """Return the events of melodies, ``(n, steps)``: what `cut` gives, 360 times smaller.

        A note that began before the window is not heard in it.
        """
        events = without_orphans(self._melody()[_rows(windows)])
        if shifts is None:
            return events
        low, high = _shift_range(events)
        if (shifts < low).any() or (shifts > high).any():
            raise ValueError("a transposition takes notes off the 88 keys; keep to shift_range")
        keys = events < N_KEYS
        return np.where(keys, events + shifts[:, None], events).astype(np.uint8)

    def shift_range(self, windows: Windows) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the transpositions of melodies that keep all their notes on the 88 keys.

        Returns
        -------
        low, high
            Semitones, ``(n,)`` each and both included: together they cover the keyboard.
        """
        return _shift_range(self._melody()[_rows(windows)])

    def _slide(
        self, steps: int, split: Split | None, hop_steps: int
    ) -> Iterator[tuple[int, npt.NDArray[np.int64], npt.NDArray[np.bool_]]]:
        """Yield each performance, the first steps of its windows, and which of them are kept."""
        onsets_before = np.concatenate([[0.0], np.cumsum(self._onsets())])
        for index, source in enumerate(self.performances):
            if split is None or source.split == split:
                first = np.arange(0, source.steps - steps + 1, hop_steps)
                rows = first + source.first_step
                yield index, first, onsets_before[rows + steps] - onsets_before[rows] >= MIN_ONSETS

    def _onsets(self) -> npt.NDArray[np.float32]:
        """Return how much begins at each row (for motion: enough for every window)."""
        if self.representation == "drums":
            return np.asarray(self.frames[:, HITS].sum(axis=1), np.float32)
        if self.representation == "melody":
            return (self.frames < N_KEYS).astype(np.float32)
        return np.ones(len(self.frames), np.float32)

    def _melody(self) -> Events:
        if self.representation != "melody":
            raise ValueError(f"the corpus '{self.name}' holds {self.representation}, not melodies")
        return np.asarray(self.frames, np.uint8)


def _rows(windows: Windows) -> npt.NDArray[np.int64]:
    return windows.starts[:, None] + np.arange(windows.steps)


def _shift_range(events: Events) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    keys = events.astype(np.int64)
    is_note = events < N_KEYS
    lowest = np.where(is_note, keys, N_KEYS - 1).min(axis=1)
    highest = np.where(is_note, keys, 0).max(axis=1)
    return -lowest, N_KEYS - 1 - highest


def save_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus as one safetensors file, whole or not at all."""
    description = {
        "name": corpus.name,
        "representation": corpus.representation,
        "digest": corpus.digest,
        "skipped": corpus.skipped,
        "performances": [dataclasses.asdict(source) for source in corpus.performances],
    }
    with replacing(path) as scratch:
        save_file({"frames": corpus.frames}, scratch, {"corpus": json.dumps(description)})


def load_corpus(path: Path) -> Corpus:
    """Read what `save_corpus` wrote.

    Raises
    ------
    CorpusError
        If the file is missing, broken or foreign.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {})["corpus"])
            frames = file.get_tensor("frames")
        performances = tuple(SourcePerformance(**entry) for entry in description["performances"])
        return Corpus(
            description["name"],
            frames,
            performances,
            description["skipped"],
            description["digest"],
            # Caches from before there were melodies do not say so: they are of drums.
            description.get("representation", "drums"),
        )
    except (OSError, SafetensorError, KeyError, TypeError, json.JSONDecodeError) as error:
        raise CorpusError(
            f"{path} is not a frames cache ({error}); delete it and run again"
        ) from None


def resplit(splits: list[str], seed: int, held_out: float = 0.1) -> list[Split]:
    """Split again at random what is not test, performance by performance (section 4, drum dataset).

    Parameters
    ----------
    splits
        The published split of each performance; ``"test"`` stays test.
    seed
        Of the permutation.
    held_out
        Share that becomes validation.
    """
    rest = [index for index, split in enumerate(splits) if split != "test"]
    order = np.random.default_rng(seed).permutation(rest)
    validation = set(order[: round(held_out * len(rest))].tolist())
    return [
        "test" if split == "test" else "validation" if index in validation else "training"
        for index, split in enumerate(splits)
    ]
