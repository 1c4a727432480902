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


def played(count: int) -> torch.Tensor:
    """Return phrases of two bars, each with its own hits, loudness and place before the beat."""
    generator = torch.Generator().manual_seed(5)
    frames = torch.zeros(count, 32, 3, 9)
    hits = torch.rand(count, 32, 9, generator=generator) < 0.3
    own = torch.linspace(0, 1, count).view(-1, 1, 1)
    frames[:, :, 0] = hits.float()
    frames[:, :, 1] = hits * (0.2 + 0.7 * own)
    frames[:, :, 2] = hits * (own - 0.5)
    return frames.view(count, 32, 27)


def test_a_drum_borrows_all_that_it_plays_in_another_phrase() -> None:
    frames = played(64)
    mixed = recombined(frames, 0.5, torch.Generator().manual_seed(1))
    before, after = (each.view(64, 32, 3, 9)[:, :, 0] for each in (frames, mixed))
    is_same = (after.unsqueeze(1) == before.unsqueeze(0)).all(dim=2)  # (phrase, phrase, drum)
    assert is_same.any(dim=1).all()
    own = is_same.diagonal().T
    borrowers = ~own.all(dim=1)
    assert 0.3 < borrowers.float().mean() < 0.6
    assert 0.2 < (~own[borrowers]).float().mean() < 0.5
    torch.testing.assert_close(mixed[~borrowers], frames[~borrowers], rtol=0, atol=0)
    torch.testing.assert_close(recombined(frames, 0.0, torch.Generator().manual_seed(1)), frames)


def test_what_is_borrowed_is_as_loud_and_as_late_as_the_phrase() -> None:
    frames = played(64)
    mixed = recombined(frames, 1.0, torch.Generator().manual_seed(1)).view(64, 32, 3, 9)
    hits = mixed[:, :, 0]
    assert not torch.equal(hits, frames.view(64, 32, 3, 9)[:, :, 0])
    own = torch.linspace(0, 1, 64).view(-1, 1, 1)
    torch.testing.assert_close(mixed[:, :, 1], hits * (0.2 + 0.7 * own))
    torch.testing.assert_close(mixed[:, :, 2], hits * (own - 0.5))


def test_a_phrase_without_hits_borrows_them_as_they_are() -> None:
    frames = played(64)
    frames[::2] = 0.0
    mixed = recombined(frames, 1.0, torch.Generator().manual_seed(1)).view(64, 32, 3, 9)
    hits, velocities = mixed[::2, :, 0], mixed[::2, :, 1]
    assert hits.any()
    assert (velocities[hits > 0] >= 0.2).all()


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
