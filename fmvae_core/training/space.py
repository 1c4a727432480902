"""How the space of a run forms: its geometry, its attributes, and where its phrases lie."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from fmvae_core.data.corpus import Corpus, Split
from fmvae_core.evaluation.attribute_correlation import attribute_correlation
from fmvae_core.evaluation.coding import Array, Coding, encode, music_of
from fmvae_core.evaluation.flatness import flatness
from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.music.representation import representation
from fmvae_core.runs.snapshots import SpaceMarks, drop_snapshots, write_marks, write_snapshot
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.phrases import Phrases, spread

MARKS = 1_000
"""Phrases on the map of a run; a short run, whose snapshots are close together, has fewer."""

MOST_SNAPSHOTS = 60

# Steps between two snapshots and between two times at which figures are taken, at least: with
# these, and so many phrases a step between, both together cost about 2 % of a run at size small.
_SNAPSHOT_STEPS = 50
_MEASURE_STEPS = 250
_MARKS_PER_STEP = 4

_COLUMNS = 1_024  # of exact Jacobians in all: with many latents each is dear
_STARTS = 128
_SAMPLES = 128
_FEWEST_POINTS = 8
_FEWEST_PHRASES = 4
_HALF = np.float32(0.5)

Figures = dict[str, float | str | bool]


class Space:
    """Looks at the space of a run as it forms: few phrases, the same ones each time.

    Parameters
    ----------
    config
        Of the run.
    corpus, split
        What it learns from, and which phrases.
    run
        Its folder, where snapshots are written.
    evaluate_every
        Steps between two evaluations.
    """

    def __init__(
        self,
        config: TrainingConfig,
        corpus: Corpus,
        split: dict[Split, Phrases],
        run: Path,
        evaluate_every: int,
    ) -> None:
        self._config = config
        self._run = run
        apart = max(_SNAPSHOT_STEPS, config.optimiser.steps / MOST_SNAPSHOTS)
        self._snapshot_every = evaluate_every * math.ceil(apart / evaluate_every)
        self._measure_every = evaluate_every * math.ceil(_MEASURE_STEPS / evaluate_every)
        training = split["training"]
        chosen = spread(len(training), min(MARKS, _MARKS_PER_STEP * self._snapshot_every))
        # As they were played, so that a colour is that of the phrase one knows.
        self._frames = corpus.cut(training.where(chosen).windows)
        unseen = split["validation"] if len(split["validation"]) else training
        self._starts = unseen.where(spread(len(unseen), _STARTS)).frames(corpus)
        rows = training.windows.performance[chosen]
        kind = config.model.representation
        if kind == "motion":
            names: tuple[str, ...] = ()
            attributes = np.zeros((len(chosen), 0), np.float32)
        else:
            music = representation(kind, config.model.bars)
            names = music.attribute_names
            attributes = music.attributes(self._frames).astype(np.float32)
        styles = tuple(corpus.performances[row].style for row in rows)
        self.marks = SpaceMarks(attributes, names, styles, kind)

    @property
    def bytes(self) -> int:
        """Size of all snapshots of the run."""
        return MOST_SNAPSHOTS * len(self.marks) * self._config.model.latent_dim * 2

    def begin(self, model: RecurrentVAE, step: int) -> None:
        """Say which phrases are on the map, and forget what came after a step that is gone on from.

        Parameters
        ----------
        model
            In evaluation mode; before its first step its places are the first snapshot.
        """
        write_marks(self._run, self.marks)
        drop_snapshots(self._run, after=step)
        if step == 0:
            write_snapshot(self._run, 0, encode(model, self._frames))

    def look(self, model: RecurrentVAE, step: int, is_last: bool) -> Figures:
        """Write a snapshot if it is time for one; return the figures, or none if it is not.

        Parameters
        ----------
        model
            In evaluation mode.
        step
            Of an evaluation.
        is_last
            Whether the run ends here.
        """
        is_shown = is_last or step % self._snapshot_every == 0
        is_measured = is_last or step % self._measure_every == 0
        if not is_shown and not is_measured:
            return {}
        places = encode(model, self._frames)
        if is_shown:
            write_snapshot(self._run, step, places)
        return self.measure(model, places) if is_measured else {}

    def measure(self, model: RecurrentVAE, places: Array) -> Figures:
        """Return condition number and size of G, and how linearly attributes lie.

        Exact Jacobians at a few validation phrases: ``condition`` and ``condition_p90``, median and
        90th percentile over the points; ``trace``, tr G over the number of dimensions, beside which
        they have to be seen; ``distance_correlation``, see `fmvae_core.evaluation.flatness`. By
        attribute (Table 2): ``slope_NAME`` of achieved over asked change, ``corr_NAME`` of position
        along the vector and attribute (reading C), ``r2_NAME`` of a linear map. Onsets sound from a
        probability of 0.5, and there are few samples: figures of a bundle are finer.

        Parameters
        ----------
        model
            In evaluation mode.
        places
            Latents of the phrases on the map, ``(n, d)``.
        """
        z = encode(model, self._starts)
        points = max(_FEWEST_POINTS, _COLUMNS // self._config.model.latent_dim)
        flat = flatness(model, z, self._config.flatness, points=points)
        figures: Figures = {
            "condition": flat["condition_number_median"],
            "condition_p90": flat["condition_number_p90"],
            "trace": flat["trace_mean"],
            "distance_correlation": flat["distance_correlation"],
        }
        if self.marks.names and len(self.marks) >= _FEWEST_PHRASES:
            figures |= self._of_attributes(model, z, places)
        return {name: value for name, value in figures.items() if math.isfinite(float(value))}

    def _of_attributes(self, model: RecurrentVAE, z: Array, places: Array) -> Figures:
        music = music_of(model)
        attributes = self.marks.attributes
        is_drums = self.marks.representation == "drums"
        found = attribute_correlation(
            Coding(model, np.full(music.voices, _HALF) if is_drums else np.zeros(0, np.float32)),
            z,
            music.attributes(self._starts),
            places,
            attributes,
            attribute_vectors(places, attributes, self.marks.names),
            samples=_SAMPLES,
        )
        return {
            f"{kind}_{name}": of[key]
            for name, of in found.items()
            for kind, key in (("slope", "slope"), ("corr", "corr_c"), ("r2", "r2"))
        }
