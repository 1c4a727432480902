"""Which phrases a run learns from, which it is validated on, and which it is tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from fmvae_core.data.corpus import SPLITS, Corpus, Split, Windows
from fmvae_core.music.melody_representation import N_KEYS
from fmvae_core.music.phrase import STEPS_PER_BAR
from fmvae_core.music.representation import representation
from fmvae_core.training.config import HoldOut, TrainingConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.recombine import recombined

Ints = npt.NDArray[np.int64]
Chosen = npt.NDArray[np.bool_] | Ints
Range = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]
"""Lowest and highest, ``(n,)`` each."""

_SHIFT_SEED = 88


def spread(count: int, most: int) -> Ints:
    """Return numbers spread evenly over so many phrases: all of them, or as many as wanted."""
    return np.linspace(0, max(count - 1, 0), min(count, most)).astype(np.int64)


@dataclass(frozen=True)
class Transpositions:
    """The semitones by which each melody may be transposed: one range, or two about a gap.

    Parameters
    ----------
    low, below
        First transposition of the lower range and how many it holds, ``(n,)`` each.
    high, above
        The same for the upper range.
    """

    low: Ints
    below: Ints
    high: Ints
    above: Ints

    @classmethod
    def all(cls, corpus: Corpus, windows: Windows) -> Transpositions:
        """Return those that keep all notes on the 88 keys."""
        low, high = corpus.shift_range(windows)
        return cls(low, high - low + 1, high + 1, np.zeros_like(low))

    def outside(self, pitches: Range, low: float, high: float) -> Transpositions:
        """Return those that bring a range of mean pitches wholly below `low` or above `high`."""
        lowest, highest = pitches
        last = np.ceil(low - highest).astype(np.int64) - 1
        first = np.maximum(np.floor(high - lowest).astype(np.int64) + 1, self.low)
        end = self.low + self.below
        return Transpositions(
            self.low,
            np.clip(last + 1, self.low, end) - self.low,
            first,
            np.maximum(end - first, 0),
        )

    def where(self, chosen: Chosen) -> Transpositions:
        """Return those of some of the melodies."""
        return Transpositions(
            self.low[chosen], self.below[chosen], self.high[chosen], self.above[chosen]
        )

    @property
    def counts(self) -> Ints:
        """How many each melody has, ``(n,)``."""
        return self.below + self.above

    def draw(self, share: npt.NDArray[np.floating[Any]]) -> Ints:
        """Return one for each melody, uniformly, of numbers ``(n,)`` from 0 to less than 1."""
        number = np.floor(share * self.counts).astype(np.int64)
        return np.where(number < self.below, self.low + number, self.high + number - self.below)


@dataclass(frozen=True)
class Phrases:
    """Phrases of a split.

    Parameters
    ----------
    windows
        Where they are in the corpus.
    transpositions
        Melodies are learnt in all of them, so that they cover the whole keyboard (section 4).
        ``None`` for what cannot be transposed.
    shifts
        The one, ``(n,)``, in which each melody is measured: drawn once, so that every model is
        measured on the same phrases.
    """

    windows: Windows
    transpositions: Transpositions | None = None
    shifts: Ints | None = None

    def __len__(self) -> int:
        return len(self.windows)

    def frames(self, corpus: Corpus) -> npt.NDArray[np.float32]:
        """Return the frames ``(n, steps, features)``."""
        return corpus.cut(self.windows, self.shifts)

    def where(self, chosen: Chosen) -> Phrases:
        """Return some of the phrases, by a mask or by number."""
        windows = self.windows
        return Phrases(
            Windows(
                windows.starts[chosen],
                windows.performance[chosen],
                windows.bar[chosen],
                windows.steps,
            ),
            None if self.transpositions is None else self.transpositions.where(chosen),
            None if self.shifts is None else self.shifts[chosen],
        )


def phrases(
    corpus: Corpus, config: TrainingConfig, hop_steps: int = STEPS_PER_BAR
) -> dict[Split, Phrases]:
    """Return the phrases of each split, bar by bar.

    With `TrainingConfig.hold_out` the test phrases are the middle of the attribute's distribution
    over the whole corpus, whatever their split (Table 1); what remains, less every phrase that
    shares a bar or more with a test phrase, is for training, or for validation if its performance
    was. Where pitch is held out, it is the transpositions of a melody that are divided: it is
    learnt in those in which it, and every phrase that shares a bar or more with it, lies outside.

    Parameters
    ----------
    corpus
        What to choose from.
    config
        Says how long a phrase is and what is held out.
    hop_steps
        Distance of the training phrases, in sixteenths.
    """
    if config.hold_out is not None:
        return _held_out(corpus, config, config.hold_out, hop_steps)
    return {
        name: _phrases(corpus, config, name, hop_steps if name == "training" else STEPS_PER_BAR)
        for name in SPLITS
    }


def standing_in(split: Mapping[Split, Phrases], name: Split) -> Split:
    """Return on which split to measure what is to be measured on one.

    In a corpus of few or short pieces one may have no phrase: then another, unseen if possible.
    """
    order: tuple[Split, ...] = (name, "test", "validation", "training")
    return next((each for each in order if len(split[each])), name)


def _phrases(corpus: Corpus, config: TrainingConfig, split: Split | None, hop: int) -> Phrases:
    windows = corpus.windows(config.model.bars, split, hop)
    if config.model.representation != "melody":
        return Phrases(windows)
    return _measured_in_one(corpus, windows, Transpositions.all(corpus, windows))


def _measured_in_one(corpus: Corpus, windows: Windows, of: Transpositions) -> Phrases:
    # One number a row, not one a phrase drawn in turn: a phrase gets the same in every call.
    share = np.random.default_rng(_SHIFT_SEED).random(len(corpus.frames))
    return Phrases(windows, of, of.draw(share[windows.starts]))


def _held_out(
    corpus: Corpus, config: TrainingConfig, hold_out: HoldOut, hop: int
) -> dict[Split, Phrases]:
    music = representation(config.model.representation, config.model.bars)
    if hold_out.attribute not in music.attribute_names:
        raise ValueError(
            f"{music.name} has no attribute '{hold_out.attribute}' to hold out; "
            f"choose {', '.join(music.attribute_names)}"
        )
    column = music.attribute_names.index(hold_out.attribute)
    everything = _phrases(corpus, config, None, STEPS_PER_BAR)
    values = music.attributes(everything.frames(corpus))[:, column]
    low, high = np.quantile(values, [0.5 - hold_out.share / 2, 0.5 + hold_out.share / 2])
    test = everything.where((values >= low) & (values <= high))
    rest = _phrases(corpus, config, None, hop)
    if hold_out.attribute == "pitch":
        assert rest.transpositions is not None
        as_written = music.attributes(corpus.cut(everything.windows))[:, column]
        pitch = music.attributes(corpus.cut(rest.windows))[:, column]
        pitches = _with_neighbours(pitch, rest, as_written, everything)
        divided = rest.transpositions.outside(pitches, low, high)
        rest = _measured_in_one(corpus, rest.windows, divided).where(divided.counts > 0)
    else:
        found = music.attributes(rest.frames(corpus))[:, column]
        rest = rest.where(((found < low) | (found > high)) & ~_touches(rest, test))
    is_validation = np.array(
        [corpus.performances[index].split == "validation" for index in rest.windows.performance],
        bool,
    )
    on_the_bar = (rest.windows.starts - _first_rows(corpus, rest)) % STEPS_PER_BAR == 0
    return {
        "training": rest.where(~is_validation),
        "validation": rest.where(is_validation & on_the_bar),
        "test": test,
    }


def _touches(rest: Phrases, test: Phrases) -> npt.NDArray[np.bool_]:
    """Return which phrases share a bar or more with one of the test phrases."""
    first, after = _neighbours(rest, np.sort(test.windows.starts))
    return np.asarray(after > first)


def _with_neighbours(
    pitch: npt.NDArray[np.float64],
    rest: Phrases,
    pitch_of_all: npt.NDArray[np.float64],
    everything: Phrases,
) -> Range:
    """Return the range of the pitches of each phrase and of all that share a bar with it."""
    order = np.argsort(everything.windows.starts)
    first, after = _neighbours(rest, everything.windows.starts[order])
    low, high = pitch.copy(), pitch.copy()
    for place in range(int((after - first).max(initial=0))):
        there = first + place < after
        found = pitch_of_all[order[first[there] + place]]
        low[there] = np.minimum(low[there], found)
        high[there] = np.maximum(high[there], found)
    return low, high


def _neighbours(rest: Phrases, starts: Ints) -> tuple[Ints, Ints]:
    """Return from where to where in sorted `starts` phrases share a bar or more with each.

    Two performances may lie that close in the corpus, too; that costs a phrase or two of each.
    """
    reach = rest.windows.steps - STEPS_PER_BAR
    first = np.searchsorted(starts, rest.windows.starts - reach)
    after = np.searchsorted(starts, rest.windows.starts + reach, side="right")
    return first.astype(np.int64), after.astype(np.int64)


def _first_rows(corpus: Corpus, of: Phrases) -> npt.NDArray[np.int64]:
    rows = np.array([source.first_step for source in corpus.performances], np.int64)
    return rows[of.windows.performance]


class Batches:
    """The training phrases on the device, an epoch's order at a time.

    Parameters
    ----------
    corpus
        What they are cut from.
    training
        Which.
    config
        Says how large a batch is, and the seed.
    hardware
        Where they lie.
    known
        Frames of what the model knows already, ``(n, steps, features)``, for
        `OptimiserConfig.replay`.
    """

    def __init__(
        self,
        corpus: Corpus,
        training: Phrases,
        config: TrainingConfig,
        hardware: Hardware,
        known: Tensor | None = None,
    ) -> None:
        self._hardware = hardware
        self._features = config.model.features
        size, replay = config.optimiser.batch_size, config.optimiser.replay
        self._known = None if known is None else hardware.to_device(known)
        self._again = 0 if known is None else min(size - 1, round(replay * size))
        self._size = size - self._again
        self._seed = config.seed
        self._recombine = config.optimiser.recombine
        if self._recombine and corpus.representation != "drums":
            raise ValueError("only drums can be recombined; set optimiser.recombine to 0")
        self._count = len(training)
        windows = training.windows
        self._transpositions = training.transpositions
        if self._transpositions is not None:
            self._events = hardware.to_device(torch.from_numpy(corpus.events(windows)))
        else:
            self._frames = hardware.to_device(torch.from_numpy(corpus.frames))
            self._starts = torch.from_numpy(windows.starts)
            self._rows = torch.arange(windows.steps)

    def __len__(self) -> int:
        return self._count

    def batch(self, step: int) -> Tensor:
        """Return the batch of a step, ``(batch, steps, features)``.

        The order of an epoch, and its transpositions, are a function of the seed and its number;
        what is recombined or replayed is one of the seed and the step.
        """
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + step)
        frames = self._new(step)
        if self._recombine:
            frames = recombined(frames, self._recombine, generator)
        if self._known is None or not self._again:
            return frames
        chosen = torch.randint(len(self._known), (self._again,), generator=generator)
        return torch.cat([frames, self._known[self._hardware.to_device(chosen)]])

    def _new(self, step: int) -> Tensor:
        """Return what the corpus has for a step."""
        epoch, place = divmod(step, self._count // self._size)
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
        order = torch.randperm(self._count, generator=generator)
        chosen = order[place * self._size : (place + 1) * self._size]
        if self._transpositions is None:
            rows = self._starts[chosen].unsqueeze(1) + self._rows
            return self._frames[self._hardware.to_device(rows)]
        share = torch.rand(self._count, generator=generator)[chosen]
        shifts = torch.from_numpy(self._transpositions.where(chosen.numpy()).draw(share.numpy()))
        events = self._events[self._hardware.to_device(chosen)].long()
        moved = events + self._hardware.to_device(shifts).unsqueeze(1)
        return functional.one_hot(torch.where(events < N_KEYS, moved, events), self._features).to(
            self._hardware.dtype
        )
