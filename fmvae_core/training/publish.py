"""From a run to a bundle: weights, landmarks, attribute vectors, map and card."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import torch

from fmvae_core import __version__
from fmvae_core.data.corpus import Corpus, Split, Windows
from fmvae_core.data.sources import attribution, open_corpus
from fmvae_core.evaluation.card import Evaluation, evaluate
from fmvae_core.evaluation.coding import Array, decode, encode, music_of
from fmvae_core.evaluation.flatness import distance_correlation, flatness
from fmvae_core.geometry.calibration import SingularMetricError, calibrate, mean_metric
from fmvae_core.geometry.projection import PCA
from fmvae_core.models.bundle import Bundle, write_bundle
from fmvae_core.models.bundle_files import Playable
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.music.drums import DEFAULT_DRUM_MAP
from fmvae_core.music.representation import Representation, representation
from fmvae_core.runs.files import CHECKPOINT_FILE, RECORD_FILE
from fmvae_core.runs.record import read_record
from fmvae_core.training.checkpoint import Checkpoint, load_checkpoint
from fmvae_core.training.config import MODEL_NAMES, TrainingConfig
from fmvae_core.training.fine_tune import starting_bundle
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.objective import observe
from fmvae_core.training.phrases import Phrases, phrases, spread, standing_in

log = logging.getLogger(__name__)

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
        For people; that of preset and variant by default.
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
    kind = checkpoint.config.model.representation
    if kind not in get_args(Playable):
        raise ValueError(
            f"the model in {run} is of {kind}, and bundles are to be played; what was measured "
            "while it trained is in its events.jsonl"
        )
    on_stage("reading the corpus")
    corpus = _corpus(run, checkpoint.config, data)
    if corpus.digest != checkpoint.corpus:
        raise ValueError(
            f"the run in {run} learnt from another version of its corpus; give that one with --data"
        )
    config = checkpoint.config
    model = RecurrentVAE(config.model)
    model.load_state_dict(checkpoint.group("average"))
    model.eval()
    split = phrases(corpus, config)
    test = split[standing_in(split, "test")].frames(corpus)
    before = None
    # Fine-tuning leaves the coordinates as they are: points pinned in them keep their sound.
    if config.model.decoder == "parallel" and config.optimiser.learns == "all":
        on_stage("calibrating the latent coordinates")
        before = _calibrate(model, corpus, split["training"], test, config.flatness)
    trained = decode(model, encode(model, test))
    model.half().float()
    on_stage("measuring the model on validation and test phrases")
    evaluation = evaluate(model, corpus, config, _thresholds(run))
    rounded = decode(model, encode(model, test))
    equal = _equal(music_of(model), trained, rounded, evaluation.thresholds)
    evaluation.figures["equal_in_float16"] = equal
    if before is not None:
        evaluation.figures["geometry"]["before_calibration"] = before
    on_stage("writing the bundle")
    landmarks = _landmarks(model, corpus, split["training"].windows)
    return write_bundle(
        out,
        name=name or "-".join(filter(None, (config.preset, config.variant))),
        bars=config.model.bars,
        model_config=config.model.to_dict(),
        weights={key: tensor.numpy() for key, tensor in model.state_dict().items()},
        thresholds=evaluation.thresholds,
        landmarks=landmarks,
        attribute_vectors=evaluation.vectors,
        pca=PCA.fit(landmarks.z).oriented(landmarks.z, landmarks.attributes[:, 0]),
        card=_card(checkpoint, corpus, split, evaluation) | ({"notes": notes} if notes else {}),
    )


def _corpus(run: Path, config: TrainingConfig, data: Path | None) -> Corpus:
    """Return the corpus from where the run had it, if it is not given."""
    kit = DEFAULT_DRUM_MAP
    if (run / RECORD_FILE).exists():
        record = read_record(run)
        kit = record.drum_map
        if data is None and record.data is not None:
            data = Path(record.data)
    representation = config.model.representation
    return open_corpus(config.corpus, data, representation=representation, drum_map=kit)


def _thresholds(run: Path) -> npt.ArrayLike:
    """Return the thresholds of the bundle that a run began with, if it is there; else 0.5."""
    if not (run / RECORD_FILE).exists():
        return 0.5
    try:
        bundle = starting_bundle(read_record(run))
    except ValueError as error:
        log.warning("hits sound from a probability of 0.5: %s", error)
        return 0.5
    return 0.5 if bundle is None else bundle.thresholds


def _calibrate(
    model: RecurrentVAE, corpus: Corpus, training: Phrases, test: Array, config: FlatnessConfig
) -> dict[str, float] | None:
    """Calibrate on training phrases, if that helps; return the geometry on test phrases before."""
    before = flatness(model, encode(model, test), config)
    chosen = training.where(spread(len(training), _CALIBRATION_PHRASES)).frames(corpus)
    z = encode(model, chosen)
    metric = mean_metric(lambda at: observe(model, at, config), torch.from_numpy(z))
    as_trained = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    told = distance_correlation(model, z, config, np.random.default_rng(0))
    try:
        calibrate(model, metric, torch.from_numpy(chosen))
    except SingularMetricError:  # of a model that left latent directions unused: it stays as it is
        return None
    if distance_correlation(model, encode(model, chosen), config, np.random.default_rng(0)) < told:
        # What holds next to each point does not hold between them, as where keys are far apart.
        model.load_state_dict(as_trained)
        return None
    return before


def _equal(music: Representation, one: Array, other: Array, thresholds: Array) -> float:
    """Return the share of cells, drums or keys by steps, in which the same begins or not."""
    return float((music.onsets(one, thresholds) == music.onsets(other, thresholds)).mean())


def _landmarks(model: RecurrentVAE, corpus: Corpus, windows: Windows) -> Landmarks:
    """Return the training phrases as they were played: melodies are not transposed."""
    music = representation(model.config.representation, model.config.bars)
    frames = corpus.cut(windows)
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
        z=encode(model, frames),
        attributes=music.attributes(frames).astype(np.float32),
        style=style[performance],
        drummer=drummer[performance],
        performance=performance,
        bar=windows.bar.astype(np.int32),
        tempo=tempo[performance],
        styles=tuple(styles),
        drummers=tuple(drummers),
        performances=tuple(source.source for source in sources),
    )


def _card(
    checkpoint: Checkpoint,
    corpus: Corpus,
    split: dict[Split, Phrases],
    evaluation: Evaluation,
) -> dict[str, Any]:
    config, state = checkpoint.config, checkpoint.constraint
    parameters = sum(tensor.numel() for tensor in checkpoint.group("average").values())
    return {
        "model": MODEL_NAMES.get(config.variant, config.variant),
        "preset": config.preset,
        "variant": config.variant,
        "size": config.size,
        "steps": checkpoint.step,
        "planned_steps": config.optimiser.steps,
        "training_minutes": round(checkpoint.seconds / 60, 1),
        "parameters": parameters,
        "data": {
            "corpus": corpus.name,
            "licence": attribution(corpus.name),
            "performances": len(corpus.performances),
            "phrases": {name: len(part) for name, part in split.items()},
            "skipped": corpus.skipped,
            "left_out": dataclasses.asdict(corpus.left_out(config.model.bars)),
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
