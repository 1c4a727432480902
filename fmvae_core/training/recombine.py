"""Phrases that nobody played, of those of a batch: for a corpus too small to show enough."""

from __future__ import annotations

import torch
from torch import Tensor

from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import STEPS_PER_BAR

_LINES = 0.3


def recombined(frames: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return drum frames ``(batch, steps, 27)`` of which some have parts of others of the batch.

    What is borrowed stays whole and in its place in the bar: a bar of all drums, or what a drum
    plays through the phrase, with its velocities and offsets.

    Parameters
    ----------
    frames
        As played.
    share
        Of the phrases whose drums are mixed; half as many bars are another phrase's.
    generator
        Of the choice, on the CPU.
    """
    count, steps, _ = frames.shape
    bars, drums = steps // STEPS_PER_BAR, len(DRUMS)
    whole = frames.view(count, bars, STEPS_PER_BAR, -1, drums)
    is_bar = torch.rand(count, bars, generator=generator) < share / 2
    others = torch.randperm(count, generator=generator).to(frames.device)
    chosen = is_bar.to(frames.device).view(count, bars, 1, 1, 1)
    whole = torch.where(chosen, whole[others], whole)

    is_mixed = torch.rand(count, 1, generator=generator) < share
    is_line = is_mixed & (torch.rand(count, drums, generator=generator) < _LINES)
    others = torch.randperm(count, generator=generator).to(frames.device)
    chosen = is_line.to(frames.device).view(count, 1, 1, 1, drums)
    return torch.where(chosen, whole[others], whole).view(frames.shape)
