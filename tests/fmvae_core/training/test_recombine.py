"""Phrases put together from those of a batch."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from fmvae_core.training.config import HoldOut, load_preset
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.phrases import Batches, phrases
from fmvae_core.training.recombine import recombined
from tests.corpora import tiny_corpus, tiny_melodies
from tests.corpora_config import tiny_config


def batches(share: float, seed: int = 0) -> Batches:
    corpus = tiny_corpus()
    config = dataclasses.replace(tiny_config(optimiser={"recombine": share}), seed=seed)
    return Batches(corpus, phrases(corpus, config)["training"], config, Hardware.choose("cpu"))


def test_what_is_borrowed_is_whole_and_of_another_phrase() -> None:
    count = 64
    frames = torch.arange(count).float().view(-1, 1, 1).expand(count, 32, 27).contiguous()
    mixed = recombined(frames, 0.5, torch.Generator().manual_seed(1))
    lines = mixed.view(count, 2, 16, 3, 9)
    # A drum's hits, velocities and offsets are of one phrase throughout a bar.
    assert (lines == lines[:, :, :1, :1, :]).all()
    of = lines[:, :, 0, 0, :]
    own = torch.arange(count).float().view(-1, 1, 1)
    untouched = (of == own).flatten(1).all(dim=1)
    assert 0.1 < untouched.float().mean() < 0.7
    whole_bars = (of != own).all(dim=2)
    assert 0.05 < whole_bars.float().mean() < 0.5
    assert ((of != own).any(dim=2) & ~whole_bars).any()  # some drums only
    torch.testing.assert_close(recombined(frames, 0.0, torch.Generator().manual_seed(1)), frames)


def test_a_step_gets_the_same_again_and_another_one_something_else() -> None:
    first, again = batches(0.5), batches(0.5)
    torch.testing.assert_close(first.batch(7), again.batch(7), rtol=0, atol=0)
    plain = batches(0.0)
    assert not torch.equal(first.batch(7), plain.batch(7))
    torch.testing.assert_close(batches(0.0).batch(7), plain.batch(7), rtol=0, atol=0)


def test_melodies_are_not_recombined() -> None:
    corpus = tiny_melodies()
    config = tiny_config(
        model={"representation": "melody", "features": 90}, optimiser={"recombine": 0.5}
    )
    with pytest.raises(ValueError, match="only drums"):
        Batches(corpus, phrases(corpus, config)["training"], config, Hardware.choose("cpu"))


def test_nothing_is_recombined_where_something_is_held_out() -> None:
    held_out = HoldOut("density", 0.5)
    assert load_preset("drums-2bar").optimiser.recombine > 0
    assert load_preset("drums-2bar", hold_out=held_out).optimiser.recombine == 0
    with pytest.raises(ValueError, match="could be like those held out"):
        load_preset("drums-2bar", overrides={"optimiser": {"recombine": 0.3}}, hold_out=held_out)
    with pytest.raises(ValueError, match="could be like those held out"):
        dataclasses.replace(load_preset("drums-2bar"), hold_out=held_out)
