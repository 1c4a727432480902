"""A file of motion sequences as a corpus (human motion, Table 3)."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.data.corpus import Corpus, CorpusError
from fmvae_core.data.pieces import (
    MIN_PIECES,
    SPLIT_SEED,
    Piece,
    join,
    random_splits,
)
from fmvae_core.music.phrase import STEPS_PER_BAR

NAME = "sequences"
_TEMPO = 120.0  # without meaning for motion


def load_sequences(path: Path, *, seed: int = SPLIT_SEED) -> Corpus:
    """Return sequences, split 80/10/10.

    Parameters
    ----------
    path
        A ``.npy`` file with an array ``(n, steps, features)`` of numbers, or an ``.npz`` file with
        one such array in it.
    seed
        Of the split.

    Raises
    ------
    CorpusError
        If the file holds something else.
    """
    sequences = _read(path)
    if sequences.ndim != 3 or sequences.dtype.kind not in "fiu":
        raise CorpusError(
            f"{path} holds {sequences.dtype} {sequences.shape}; sequences are an array of numbers "
            "(n, steps, features)"
        )
    count, steps, features = sequences.shape
    if count < MIN_PIECES or steps < STEPS_PER_BAR or features < 1:
        raise CorpusError(
            f"{path} holds {count} sequences of {steps} steps and {features} features; at least "
            f"{MIN_PIECES} of {STEPS_PER_BAR} steps are needed"
        )
    frames = np.ascontiguousarray(sequences, np.float32)
    if broken := np.flatnonzero(~np.isfinite(frames).all(axis=(1, 2))).tolist():
        raise CorpusError(
            f"{path}: {len(broken)} of {count} sequences hold a value that is not a number or is "
            f"infinite, first number {broken[0]}; mend or leave them out"
        )
    digest = hashlib.sha256(f"{seed} {frames.shape}".encode() + frames.tobytes()).hexdigest()
    pieces = [
        Piece(f"{path.name}[{index}]", "motion", path.stem, _TEMPO, sequence)
        for index, sequence in enumerate(frames)
    ]
    return join(NAME, "motion", pieces, random_splits(count, seed), {}, digest)


def _read(path: Path) -> npt.NDArray[np.generic]:
    try:
        with open(path, "rb") as file:  # numpy leaves a broken .npz open
            opened = np.load(file, allow_pickle=False)
            if isinstance(opened, np.ndarray):
                return opened
            if len(opened.files) != 1:
                raise CorpusError(
                    f"{path} holds {len(opened.files)} arrays ({', '.join(opened.files)}); save "
                    "the sequences alone"
                )
            array: npt.NDArray[np.generic] = opened[opened.files[0]]
            return array
    except FileNotFoundError:
        raise CorpusError(f"{path} does not exist; check the path") from None
    except CorpusError:
        raise
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise CorpusError(
            f"{path} is not a file of sequences ({error}); save an array of numbers "
            "(n, steps, features) with numpy.save"
        ) from None
