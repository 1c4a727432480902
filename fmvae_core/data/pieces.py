"""From the pieces of a collection to a corpus: split, joined, parsed once."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.data.corpus import (
    MIN_ONSETS,
    Corpus,
    CorpusError,
    SourcePerformance,
    Split,
    load_corpus,
    save_corpus,
)
from fmvae_core.files import cache_dir
from fmvae_core.music.drum_representation import HITS
from fmvae_core.music.melody_representation import N_KEYS

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with pieces done and pieces in all."""

SPLIT_SEED = 2022
MIN_PIECES = 10
"""Fewer cannot be split 80/10/10."""

COMPOUND = "compound metre"
DUPLICATE = "duplicate"
FEW_NOTES = f"fewer than {MIN_ONSETS} notes"


@dataclass(frozen=True)
class Piece:
    """One performance: where it comes from, and its frames or events ``(steps, ...)``."""

    source: str
    style: str
    drummer: str
    tempo: float
    frames: npt.NDArray[np.float32 | np.uint8]


class Collection:
    """Pieces as they are parsed, and what was skipped and why."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.skipped: Counter[str] = Counter()
        self.left_out: list[tuple[str, str]] = []
        self._seen: set[bytes] = set()

    def add(self, piece: Piece) -> None:
        """Keep a piece, unless it has hardly a note or says what another piece says."""
        drums = piece.frames.ndim == 2
        onsets = piece.frames[:, HITS].sum() if drums else (piece.frames < N_KEYS).sum()
        if onsets < MIN_ONSETS:
            self.skip(piece.source, FEW_NOTES)
            return
        content = hashlib.sha256(piece.frames.tobytes()).digest()
        if content in self._seen:
            self.skip(piece.source, DUPLICATE)
            return
        self._seen.add(content)
        self.pieces.append(piece)

    def skip(self, source: str, reason: str, detail: object = "") -> None:
        """Count a piece that is left out."""
        self.skipped[reason] += 1
        self.left_out.append((source, reason))
        log.info("%s is skipped: %s %s", source, reason, detail)


def is_compound(meter: tuple[int, int]) -> bool:
    """Whether a metre such as 6/8, 9/8 or 12/8 counts its beats in threes."""
    numerator, denominator = meter
    return denominator >= 8 and numerator > 3 and numerator % 3 == 0


def random_splits(count: int, seed: int) -> list[Split]:
    """Split pieces 80/10/10 at random (section 4, piano and cello datasets)."""
    tenth = max(1, round(count / 10))
    order = np.random.default_rng(seed).permutation(count).tolist()
    test, validation = set(order[:tenth]), set(order[tenth : 2 * tenth])
    return [
        "test" if index in test else "validation" if index in validation else "training"
        for index in range(count)
    ]


def join(
    name: str,
    representation: str,
    pieces: list[Piece],
    splits: list[Split],
    skipped: dict[str, int],
    digest: str,
) -> Corpus:
    """Return pieces, of which there is at least one, as a corpus."""
    performances = []
    first = 0
    for piece, split in zip(pieces, splits, strict=True):
        steps = len(piece.frames)
        performances.append(
            SourcePerformance(
                piece.source, piece.style, piece.drummer, piece.tempo, split, first, steps
            )
        )
        first += steps
    frames = np.concatenate([piece.frames for piece in pieces])
    return Corpus(name, frames, tuple(performances), dict(skipped), digest, representation)


def split_and_join(
    name: str, representation: str, collection: Collection, seed: int, digest: str, where: Path
) -> Corpus:
    """Return a collection as a corpus, split 80/10/10 by piece.

    Raises
    ------
    CorpusError
        If it holds fewer than `MIN_PIECES`.
    """
    pieces = collection.pieces
    if len(pieces) < MIN_PIECES:
        raise CorpusError(
            f"{where} holds {len(pieces)} pieces that can be used, and {MIN_PIECES} are needed to "
            f"set some aside for validation and test{_listed(collection.skipped)}; add more"
        )
    splits = random_splits(len(pieces), seed)
    return join(name, representation, pieces, splits, collection.skipped, digest)


def _listed(skipped: Counter[str]) -> str:
    if not skipped:
        return ""
    return f" (skipped: {', '.join(f'{count} {why}' for why, count in skipped.most_common())})"


def parsed_once(
    name: str, digest: str, parse: Callable[[], Corpus], cache: Path | None = None
) -> Corpus:
    """Return a corpus from the frames cache, or parse it and keep it there.

    Parameters
    ----------
    name
        Key of the corpus.
    digest
        SHA-256, in hexadecimal, of all that the result depends on.
    parse
        Makes the corpus.
    cache
        Folder of the frames caches (the platform's cache by default).
    """
    cached = (cache or cache_dir() / "corpora") / f"{name}-{digest[:16]}.safetensors"
    if cached.is_file():
        try:
            return load_corpus(cached)
        except CorpusError:
            cached.unlink()  # a damaged cache is only parsed again
    corpus = parse()
    save_corpus(corpus, cached)
    return corpus
