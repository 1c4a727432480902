"""A corpus: performances as one long run of frames, split, and cut into windows."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fmvae_core.files import replacing
from fmvae_core.music.phrase import STEPS_PER_BAR
from fmvae_core.music.representation import HITS

Split = Literal["training", "validation", "test"]
SPLITS: tuple[Split, ...] = ("training", "validation", "test")

MIN_HITS = 4
"""Windows with fewer hits are dropped: they are count-ins and endings, not phrases."""


class CorpusError(ValueError):
    """A corpus that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class SourcePerformance:
    """Where a performance comes from, and which rows of the corpus's frames are its own."""

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
class Corpus:
    """All performances of a corpus, quantised once.

    Parameters
    ----------
    name
        Key of the corpus.
    frames
        ``(total steps, features)`` float32, performance after performance.
    performances
        Their origin, split and rows.
    skipped
        Number of files left out, by reason.
    digest
        SHA-256 over what was parsed, for provenance.
    """

    name: str
    frames: npt.NDArray[np.float32]
    performances: tuple[SourcePerformance, ...]
    skipped: dict[str, int]
    digest: str

    def windows(
        self, bars: int, split: Split | None = None, hop_steps: int = STEPS_PER_BAR
    ) -> Windows:
        """Slide a window over each performance of a split (or of all), by default bar by bar.

        Windows with fewer than `MIN_HITS` hits are dropped.
        """
        steps = bars * STEPS_PER_BAR
        hits_before = np.concatenate([[0.0], np.cumsum(self.frames[:, HITS].sum(axis=1))])
        starts, performance, bar = [], [], []
        for index, source in enumerate(self.performances):
            if split is not None and source.split != split:
                continue
            first = np.arange(0, source.steps - steps + 1, hop_steps)
            rows = first + source.first_step
            kept = hits_before[rows + steps] - hits_before[rows] >= MIN_HITS
            starts.append(rows[kept])
            performance.append(np.full(int(kept.sum()), index))
            bar.append(first[kept] // STEPS_PER_BAR)
        if not starts:
            empty = np.zeros(0, np.int64)
            return Windows(empty, empty, empty, steps)
        return Windows(
            np.concatenate(starts), np.concatenate(performance), np.concatenate(bar), steps
        )

    def cut(self, windows: Windows) -> npt.NDArray[np.float32]:
        """Return the frames of windows, ``(n, steps, features)``."""
        return self.frames[windows.starts[:, None] + np.arange(windows.steps)]


def save_corpus(corpus: Corpus, path: Path) -> None:
    """Write a corpus as one safetensors file, whole or not at all."""
    description = {
        "name": corpus.name,
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
            description["name"], frames, performances, description["skipped"], description["digest"]
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
