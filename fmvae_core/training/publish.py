"""From a run to a bundle: weights, landmarks, attribute vectors, map and card."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fmvae_core import __version__
from fmvae_core.data.corpus import Corpus
from fmvae_core.data.groove import ATTRIBUTION
from fmvae_core.data.sources import open_corpus
from fmvae_core.evaluation.card import Evaluation, evaluate
from fmvae_core.evaluation.coding import encode
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.geometry.calibration import calibrate, mean_metric
from fmvae_core.geometry.projection import PCA
from fmvae_core.models.bundle import Bundle, write_bundle
from fmvae_core.models.fm_music_vae import FMMusicVAE
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.training.checkpoint import Checkpoint, load_checkpoint
from fmvae_core.training.objective import FlatnessConfig, observe
from fmvae_core.training.trainer import CHECKPOINT_FILE

_CALIBRATION_PHRASES = 256


def publish(
    run: Path,
    out: Path,
    *,
    name: str | None = None,
    data: Path | None = None,
    notes: str = "",
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Bundle:
    """Make a bundle of a run's last checkpoint.

    The averaged weights are calibrated (`fmvae_core.geometry.calibration`) and rounded to float16
    first, and everything is measured on what ships.

    Parameters
    ----------
    run
        Folder of the run.
    out
        Folder of the bundle.
    name
        For people; the preset's by default.
    data
        See `fmvae_core.data.sources.open_corpus`.
    notes
        What a reader of the card should know beside its figures.
    on_stage
        Called with what is being done.

    Raises
    ------
    CheckpointError, CorpusError, BundleError
        If a part is missing or broken.
    ValueError
        If the corpus is not the one the run learnt from.
    """
    checkpoint = load_checkpoint(run / CHECKPOINT_FILE)
    on_stage("reading the corpus")
    corpus = open_corpus(checkpoint.config.corpus, data)
    if corpus.digest != checkpoint.corpus:
        raise ValueError(
            f"the run in {run} learnt from another version of its corpus; give that one with --data"
        )
    model = FMMusicVAE(checkpoint.config.model)
    model.load_state_dict(checkpoint.group("average"))
    model.eval()
    on_stage("calibrating the latent coordinates")
    before = _calibrate(model, corpus, checkpoint.config.flatness)
    model.half().float()
    on_stage("measuring the model on validation and test phrases")
    evaluation = evaluate(model, corpus, checkpoint.config.flatness)
    evaluation.figures["geometry"]["before_calibration"] = before
    on_stage("writing the bundle")
    return write_bundle(
        out,
        name=name or checkpoint.config.preset,
        bars=checkpoint.config.model.bars,
        model_config=checkpoint.config.model.to_dict(),
        weights={key: tensor.numpy() for key, tensor in model.state_dict().items()},
        thresholds=evaluation.thresholds,
        landmarks=_landmarks(corpus, checkpoint.config.model.bars, evaluation),
        attribute_vectors=evaluation.vectors,
        pca=PCA.fit(evaluation.training_z).oriented(
            evaluation.training_z, evaluation.training_attributes[:, 0]
        ),
        card=_card(checkpoint, corpus, evaluation) | ({"notes": notes} if notes else {}),
    )


def _calibrate(model: FMMusicVAE, corpus: Corpus, config: FlatnessConfig) -> dict[str, float]:
    """Calibrate on training phrases; return the geometry on test phrases as it was before."""
    bars = model.config.bars
    before = flatness(model, encode(model, corpus.cut(corpus.windows(bars, "test"))), config)
    frames = corpus.cut(corpus.windows(bars, "training"))
    spread = np.linspace(0, len(frames) - 1, min(len(frames), _CALIBRATION_PHRASES)).astype(int)
    chosen = frames[spread]
    metric = mean_metric(
        lambda z: observe(model, z, config), torch.from_numpy(encode(model, chosen))
    )
    calibrate(model, metric, torch.from_numpy(chosen))
    return before


def _landmarks(corpus: Corpus, bars: int, evaluation: Evaluation) -> Landmarks:
    windows = corpus.windows(bars, "training")
    used = sorted(set(windows.performance.tolist()))
    sources = [corpus.performances[index] for index in used]
    position = np.zeros(len(corpus.performances), np.int32)
    position[used] = np.arange(len(used))
    performance = position[windows.performance]
    styles = sorted({source.style for source in sources})
    drummers = sorted({source.drummer for source in sources})
    style = np.array([styles.index(source.style) for source in sources], np.int32)
    drummer = np.array([drummers.index(source.drummer) for source in sources], np.int32)
    tempo = np.array([source.tempo for source in sources], np.float32)
    return Landmarks(
        z=evaluation.training_z,
        attributes=evaluation.training_attributes,
        style=style[performance],
        drummer=drummer[performance],
        performance=performance,
        bar=windows.bar.astype(np.int32),
        tempo=tempo[performance],
        styles=tuple(styles),
        drummers=tuple(drummers),
        performances=tuple(source.source for source in sources),
    )


def _card(checkpoint: Checkpoint, corpus: Corpus, evaluation: Evaluation) -> dict[str, Any]:
    config, state = checkpoint.config, checkpoint.constraint
    parameters = sum(tensor.numel() for tensor in checkpoint.group("average").values())
    return {
        "model": "FM-Music-VAE",
        "preset": config.preset,
        "size": config.size,
        "steps": checkpoint.step,
        "planned_steps": config.optimiser.steps,
        "training_minutes": round(checkpoint.seconds / 60, 1),
        "parameters": parameters,
        "data": {
            "corpus": corpus.name,
            "licence": ATTRIBUTION,
            "performances": len(corpus.performances),
            "phrases": {
                split: len(corpus.windows(config.model.bars, split))
                for split in ("training", "validation", "test")
            },
            "skipped": corpus.skipped,
            "digest": corpus.digest,
        },
        "constraint": {
            "kappa": config.constraint.kappa,
            "bound": state.bound,
            "average": state.average,
            "beta": state.beta,
            "initial_phase_ended": state.phase_end,
        },
        **evaluation.figures,
        "configuration": config.to_dict(),
        "thresholds": [round(float(value), 4) for value in evaluation.thresholds],
        "made_with": f"Flatjam {__version__}",
    }
