"""Which phrases a run sees, and which it must not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from fmvae_core.data.corpus import Corpus
from fmvae_core.music.representation import representation
from fmvae_core.training.config import HoldOut, TrainingConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.phrases import Batches, Phrases, phrases
from tests.corpora import tiny_corpus, tiny_melodies
from tests.corpora_config import tiny_config

CPU = Hardware.choose("cpu")
STEPS = 32


def melody_config() -> TrainingConfig:
    return tiny_config(model={"representation": "melody", "features": 90})


def values(corpus: Corpus, of: Phrases, name: str, attribute: str) -> np.ndarray:
    music = representation(name, 2)
    column = music.attribute_names.index(attribute)
    return music.attributes(of.frames(corpus))[:, column]


def test_splits_are_those_of_the_performances() -> None:
    corpus = tiny_corpus()
    split = phrases(corpus, tiny_config(), hop_steps=8)
    assert len(split["training"]) > 2 * len(split["test"])
    for name, part in split.items():
        found = {corpus.performances[index].split for index in part.windows.performance}
        assert found == {name}
        assert part.shifts is None


@pytest.mark.parametrize("attribute", ["density", "velocity", "offset"])
@pytest.mark.parametrize("share", [0.1, 0.2])
def test_the_middle_is_held_out_with_all_that_overlaps_it(attribute: str, share: float) -> None:
    corpus = tiny_corpus(performances=40, bars=8)
    config = dataclasses.replace(tiny_config(), hold_out=HoldOut(attribute, share))
    split = phrases(corpus, config, hop_steps=8)
    everything = corpus.windows(2)
    test = split["test"]
    assert len(test) >= share * len(everything)
    middle = values(corpus, test, "drums", attribute)
    for name in ("training", "validation"):
        part = split[name]
        assert len(part) > 0
        outside = values(corpus, part, "drums", attribute)
        assert ((outside < middle.min()) | (outside > middle.max())).all()
        apart = np.abs(part.windows.starts[:, None] - test.windows.starts[None])
        same = part.windows.performance[:, None] == test.windows.performance[None]
        assert (apart[same] > STEPS - 16).all()


def test_an_attribute_that_there_is_not_is_refused() -> None:
    config = dataclasses.replace(tiny_config(), hold_out=HoldOut("pitch", 0.5))
    with pytest.raises(ValueError, match="no attribute 'pitch' to hold out; choose density"):
        phrases(tiny_corpus(), config)


def test_melodies_are_measured_in_one_transposition_and_learnt_in_many() -> None:
    corpus, config = tiny_melodies(), melody_config()
    split = phrases(corpus, config)
    again = phrases(corpus, config)["test"]
    np.testing.assert_array_equal(split["test"].frames(corpus), again.frames(corpus))

    batches = Batches(corpus, split["training"], config, CPU)
    per_epoch = len(batches) // config.optimiser.batch_size
    keys = [batches.batch(epoch * per_epoch).argmax(dim=-1) for epoch in range(20)]
    notes = torch.cat(keys).flatten()
    notes = notes[notes < 88]
    assert notes.min() < 12
    assert notes.max() > 76
    assert torch.equal(batches.batch(3), Batches(corpus, split["training"], config, CPU).batch(3))


def test_a_held_out_pitch_does_not_come_back_by_transposition() -> None:
    corpus = tiny_melodies(pieces=60)
    config = dataclasses.replace(melody_config(), hold_out=HoldOut("pitch", 0.5))
    split = phrases(corpus, config)
    middle = values(corpus, split["test"], "melody", "pitch")
    batches = Batches(corpus, split["training"], config, CPU)
    music = representation("melody", 2)
    for step in range(3 * len(batches) // config.optimiser.batch_size):
        pitch = music.attributes(batches.batch(step).numpy())[:, 1]
        assert ((pitch < middle.min()) | (pitch > middle.max())).all()


@pytest.mark.parametrize("bars", [2, 4])
def test_no_bar_of_a_held_out_pitch_is_learnt_beside_it(bars: int) -> None:
    corpus = tiny_melodies(pieces=60, bars=8)
    config = tiny_config(model={"representation": "melody", "features": 90, "bars": bars})
    config = dataclasses.replace(config, hold_out=HoldOut("pitch", 0.5))
    split = phrases(corpus, config)
    music = representation("melody", bars)
    middle = music.attributes(split["test"].frames(corpus))[:, 1]
    everything = corpus.windows(bars)
    as_written = music.attributes(corpus.cut(everything))[:, 1]
    training = split["training"]
    assert training.transpositions is not None
    for share in (0.0, 0.49, 0.51, 0.999):
        shifts = training.transpositions.draw(np.full(len(training), share))
        apart = np.abs(training.windows.starts[:, None] - everything.starts[None])
        same = training.windows.performance[:, None] == everything.performance[None]
        moved = as_written[None] + shifts[:, None]
        is_middle = (moved >= middle.min()) & (moved <= middle.max())
        assert not (is_middle & same & (apart <= 16 * (bars - 1))).any()
