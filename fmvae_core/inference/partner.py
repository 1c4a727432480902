"""The machine player: answers a human's phrase with one drawn around it (section 4.4).

The point of the human's phrase is the centre of a Gaussian; a point drawn from it is decoded into
the answer. The latent space is flat, so one sigma changes about as much everywhere, and can be set
by what is heard: the expected number of changed hits, or of changed notes of a melody.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmvae_core.inference.messages import AdventureScale
from fmvae_core.inference.networks import Array, Networks
from fmvae_core.inference.solver import LONGEST_STEP, TOLERANCE, Box, Decode
from fmvae_core.jam.messages import MOST_CHANGED_HITS, Answer, AnswerRequest, Point
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.phrase import Phrase
from fmvae_core.music.representation import Representation

Hits = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]

REPEATS_BELOW = 2
"""Two phrases that differ in fewer hits than this are heard as the same."""

_MORE_ADVENTURE = (2.0, 8.0, 32.0)  # changed hits more, where the first answer is a repetition
_SAMPLE = 96  # landmarks at which sigma is measured
_FEW = 32  # those at which slopes are
_BATCH = 32
_SIGMAS = np.geomspace(1 / 32, 2.0, 9)  # in standard deviations of the landmarks
_PROBE = 0.5  # of an attribute vector, to either side
_WAYS = np.array(
    [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0]
)  # of the way that the slopes tell; one batch of decodes


@dataclass(frozen=True)
class Adventure:
    """How many hits a sigma changes in a bundle, and the other way round.

    Parameters
    ----------
    sigmas
        ``(n,)``, in units of z, rising from 0.
    hits
        ``(n,)``, expected number of hits that change, never falling.
    """

    sigmas: Vector
    hits: Vector

    @classmethod
    def measure(
        cls, decode: Decode, plays: Representation, thresholds: Array, z: Array, box: Box
    ) -> Adventure:
        """Measure the changed hits of phrases drawn around points ``(m, d)`` at rising sigmas."""
        noise = np.random.default_rng(0).standard_normal(z.shape)
        base = _hits(decode, plays, thresholds, z)
        sigmas = _SIGMAS * float(np.sqrt(z.var(axis=0).mean()))
        changed = []
        for sigma in sigmas:
            drawn = np.clip(z + sigma * noise, box.low, box.high).astype(np.float32)
            heard = _hits(decode, plays, thresholds, drawn)
            changed.append(float((heard != base).sum(axis=(1, 2)).mean()))
            if changed[-1] > MOST_CHANGED_HITS:
                break
        hits = np.maximum.accumulate([0.0, *changed])
        return cls(np.append(0.0, sigmas[: len(changed)]), hits)

    @property
    def rising(self) -> tuple[Vector, Vector]:
        """Hits and sigmas, without those sigmas that change no more hits than the one before."""
        rises = np.append(True, np.diff(self.hits) > 0)
        return self.hits[rises], self.sigmas[rises]

    def sigma(self, hits: float) -> float:
        """Return the sigma that changes this many hits; the largest one where none does."""
        return float(np.interp(hits, *self.rising))


class MachinePlayer:
    """Answers phrases with one bundle. Measures it first, which takes a few hundred decodes.

    Parameters
    ----------
    bundle, networks
        What to play with.
    decode
        What to measure with, if another than the networks' own.
    """

    def __init__(self, bundle: Bundle, networks: Networks, decode: Decode | None = None) -> None:
        plays = bundle.representation
        self._bundle = bundle
        self._plays = plays
        self._networks = networks
        self._box = Box.around(bundle.landmarks.z)
        decode = decode or networks.decode
        order = np.random.default_rng(0).permutation(len(bundle.landmarks))
        sample = bundle.landmarks.z[order[:_SAMPLE]]
        self.adventure = Adventure.measure(decode, plays, bundle.thresholds, sample, self._box)
        self._slopes = self._measure_slopes(decode, sample[:_FEW])

    @property
    def scale(self) -> AdventureScale:
        """What was measured of the bundle, as a message."""
        hits, sigmas = self.adventure.rising
        return AdventureScale(
            bundle=self._bundle.sha256, hits=tuple(hits.tolist()), sigmas=tuple(sigmas.tolist())
        )

    def answer(self, request: AnswerRequest) -> Answer:
        """Return the answer to a request: the same to the same request, whenever it is asked.

        Raises
        ------
        ValueError
            If phrase, anchor or attributes are not those of the bundle; says what to do. Where the
            human was before is left out instead: nobody could choose another.
        """
        began = time.perf_counter()
        partner = request.partner
        rng = np.random.default_rng(request.seed)
        noise = rng.standard_normal(self._bundle.latent_dim)
        before = None
        if request.before is not None and len(request.before) == self._bundle.latent_dim:
            before = self._point(request.before)  # of another length: the last model's
        anchor = None if partner.anchor is None else self._point(partner.anchor)

        frames = self._plays.encode(request.phrase)
        human: Array | None = None
        if self._plays.onsets(frames).any():
            human = self._networks.encode(frames[None])[0]
        if human is not None:
            start = human.astype(np.float64)
            if before is not None:
                start = start + partner.momentum * (start - before)
        elif before is not None:
            start = before
        elif anchor is not None:
            start = anchor
        else:
            drawn = rng.integers(len(self._bundle.landmarks))
            start = self._bundle.landmarks.z[drawn].astype(np.float64)
        if anchor is not None:
            start = start + partner.pull * (anchor - start)
        centre = self._moved(start, partner.asks)

        sigmas = [self.adventure.sigma(partner.adventure)]
        points = [self._inside(centre + sigmas[0] * noise)]
        asked = points if human is None else [human, *points]
        decoded = self._networks.decode(np.stack(asked))
        heard = np.zeros((self._plays.steps, self._plays.voices), np.bool_)
        if human is not None:
            heard = self._plays.onsets(decoded[0], self._bundle.thresholds)
        answers = decoded[-1:]
        chosen = 0
        recent = [
            self._plays.onsets(self._plays.encode(phrase))
            for phrase in request.recent
            if partner.no_repeat and self._could_play(phrase)
        ]
        if self._novelty(answers, recent)[0] < REPEATS_BELOW:
            for more in _MORE_ADVENTURE:
                sigmas.append(self.adventure.sigma(partner.adventure + more))
                noise = rng.standard_normal(self._bundle.latent_dim)
                points.append(self._inside(centre + sigmas[-1] * noise))
            answers = np.concatenate([answers, self._networks.decode(np.stack(points[1:]))])
            novelty = self._novelty(answers, recent)
            new = np.flatnonzero(novelty >= REPEATS_BELOW)
            chosen = int(new[0]) if len(new) else int(np.argmax(novelty))

        played = self._plays.onsets(answers[chosen], self._bundle.thresholds)
        return Answer(
            number=request.number,
            phrase=self._plays.decode(
                answers[chosen], request.phrase.tempo, self._bundle.thresholds
            ),
            z_human=None if human is None else tuple(human.tolist()),
            z_machine=tuple(points[chosen].tolist()),
            heard=tuple((int(step), int(voice)) for step, voice in np.argwhere(heard)),
            sigma=sigmas[chosen],
            changed_hits=int((played != heard).sum()),
            bundle=self._bundle.sha256,
            milliseconds=1e3 * (time.perf_counter() - began),
        )

    def _point(self, values: Point) -> Vector:
        z = np.asarray(values, np.float64)
        if z.shape != (self._bundle.latent_dim,):
            raise ValueError(
                f"a point of this model is {self._bundle.latent_dim} numbers, not {len(values)}; "
                "pick one from its own map"
            )
        return z

    def _could_play(self, phrase: Phrase) -> bool:
        return phrase.bars == self._plays.bars and phrase.is_drums == (self._plays.name == "drums")

    def _inside(self, z: Vector) -> Array:
        return np.clip(z, self._box.low, self._box.high).astype(np.float32)

    def _novelty(self, answers: Array, recent: list[Hits]) -> npt.NDArray[np.int64]:
        """Return in how many hits each answer differs from the recent phrase it is most like."""
        heard = self._plays.onsets(answers, self._bundle.thresholds)
        most = np.full(len(answers), heard[0].size, np.int64)
        return np.min([most, *((heard != hits).sum(axis=(1, 2)) for hits in recent)], axis=0)

    def _moved(self, start: Vector, asks: Mapping[str, float]) -> Vector:
        """Return a point moved along the attribute vectors so that attributes change as asked.

        The direction comes from slopes measured beforehand, how far to go from a single batch of
        decodes: there is no time to search as the sliders do.
        """
        names = self._plays.attribute_names
        for name in asks:
            if name not in names:
                raise ValueError(f"there is no attribute '{name}'; choose from {', '.join(names)}")
        if not any(asks.values()):
            return start
        asked = [names.index(name) for name in asks]
        wanted = np.array(list(asks.values()))
        units = np.array([TOLERANCE[name] for name in asks])
        slopes = self._slopes[np.ix_(asked, asked)] / units[:, None]
        steps = np.linalg.lstsq(slopes, wanted / units, rcond=None)[0]
        vectors = np.stack([self._bundle.attribute_vectors[name] for name in asks])
        way = np.clip(steps, -LONGEST_STEP, LONGEST_STEP) @ vectors.astype(np.float64)
        points = start + _WAYS[:, None] * way
        frames = self._networks.decode(self._inside(points))
        heard = self._plays.attributes(frames, self._bundle.thresholds)[:, asked]
        misses = (((heard - heard[0] - wanted) / units) ** 2).sum(axis=1)
        return points[int(np.argmin(misses))]

    def _measure_slopes(self, decode: Decode, z: Array) -> Vector:
        """Return the mean change of each attribute a length of each attribute vector, ``(k, k)``.

        Rows are attributes, columns vectors.
        """
        slopes = []
        for name in self._plays.attribute_names:
            way = _PROBE * self._bundle.attribute_vectors[name].astype(np.float64)
            ends = []
            for end in (z - way, z + way):
                inside = np.clip(end, self._box.low, self._box.high).astype(np.float32)
                frames = _in_batches(decode, inside)
                ends.append(self._plays.attributes(frames, self._bundle.thresholds).mean(axis=0))
            slopes.append((ends[1] - ends[0]) / (2 * _PROBE))
        return np.stack(slopes, axis=1)


def _hits(decode: Decode, plays: Representation, thresholds: Array, z: Array) -> Hits:
    return plays.onsets(_in_batches(decode, z), thresholds)


def _in_batches(decode: Decode, z: Array) -> Array:
    return np.concatenate([decode(z[first : first + _BATCH]) for first in range(0, len(z), _BATCH)])
