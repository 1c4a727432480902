"""What the newest checkpoint of a run makes of two phrases, to be heard while it learns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fmvae_core.data.corpus import Corpus
from fmvae_core.evaluation.coding import Array, decode, encode, music_of
from fmvae_core.evaluation.reconstruction import thresholds_for
from fmvae_core.geometry.interpolation import lerp
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.messages import HeardFrames, RunHeard
from fmvae_core.runs.record import RunError, read_record
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.phrases import Phrases, phrases, spread
from fmvae_core.training.steering import read_corpus

_THRESHOLD_PHRASES = 128
_DIGITS = 3


def listen(
    run: Path,
    *,
    seed: int = 0,
    steps: int = 8,
    on_stage: Callable[[str, int, int], None] = lambda stage, done, total: None,
) -> RunHeard:
    """Give back two phrases, and the way between them, with the averaged weights.

    They are validation phrases where the run has two of them, else it learns from them.

    Parameters
    ----------
    run
        Folder of the run, whether or not it is going on.
    seed
        Of the choice of the two.
    steps
        Phrases of the way, both ends included.
    on_stage
        Called with what is done, and with the amount done and in all.

    Raises
    ------
    RunError
        If there is no checkpoint yet, or the music cannot be heard.
    CheckpointError, CorpusError
        If a part is missing or broken.
    """
    if not (run / CHECKPOINT_FILE).exists():
        raise RunError(
            "the run has no checkpoint yet; the first one comes after about a minute of training"
        )
    on_stage("reading the checkpoint", 0, 0)
    checkpoint = load_checkpoint(run / CHECKPOINT_FILE)
    config = checkpoint.config
    kind = config.model.representation
    if kind == "motion":
        raise RunError("this run learns movements, which cannot be heard")
    corpus = read_corpus(
        read_record(run), lambda done, total: on_stage("reading the corpus", done, total)
    )
    if corpus.digest != checkpoint.corpus:
        raise RunError(
            "the corpus has changed since the run began; put the files back as they were to hear "
            "what it makes of them"
        )
    on_stage("decoding", 0, 0)
    model = RecurrentVAE(config.model)
    model.load_state_dict(checkpoint.group("average"))
    model.eval()
    split = phrases(corpus, config)
    is_unseen = len(split["validation"]) >= 2
    unseen = split["validation"] if is_unseen else split["training"]
    chosen = _apart(unseen, seed)
    played = unseen.where(chosen).frames(corpus)
    z = encode(model, played)
    return RunHeard(
        step=checkpoint.step,
        representation=kind,
        bars=config.model.bars,
        thresholds=tuple(_thresholds(model, corpus, unseen).tolist()),
        names=(_name(corpus, unseen, int(chosen[0])), _name(corpus, unseen, int(chosen[1]))),
        tempi=(_tempo(corpus, unseen, int(chosen[0])), _tempo(corpus, unseen, int(chosen[1]))),
        is_unseen=is_unseen,
        played=_plain(played),
        modelled=_plain(decode(model, z)),
        way=_plain(decode(model, lerp(z[0], z[1], np.linspace(0.0, 1.0, steps)))),
    )


def _apart(of: Phrases, seed: int) -> npt.NDArray[np.int64]:
    """Return two phrases, of two performances where there are two."""
    random = np.random.default_rng(seed)
    first = int(random.integers(len(of)))
    others = np.flatnonzero(of.windows.performance != of.windows.performance[first])
    if not len(others):
        others = np.delete(np.arange(len(of)), first)
    second = int(random.choice(others)) if len(others) else first
    return np.array([first, second], np.int64)


def _thresholds(model: RecurrentVAE, corpus: Corpus, of: Phrases) -> Array:
    frames = of.where(spread(len(of), _THRESHOLD_PHRASES)).frames(corpus)
    pieces = len(np.unique(of.windows.performance))
    return thresholds_for(music_of(model), frames, decode(model, encode(model, frames)), pieces)


def _name(corpus: Corpus, of: Phrases, index: int) -> str:
    source = corpus.performances[of.windows.performance[index]].source
    return f"{Path(source).stem}, bar {int(of.windows.bar[index]) + 1}"


def _tempo(corpus: Corpus, of: Phrases, index: int) -> float:
    return float(corpus.performances[of.windows.performance[index]].tempo)


def _plain(frames: Array) -> HeardFrames:
    rounded = np.round(frames.astype(np.float64), _DIGITS)
    return tuple(tuple(tuple(step) for step in phrase) for phrase in rounded.tolist())
