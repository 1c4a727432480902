"""Grooves that nobody played, of those of a batch: what one drum does need not decide another."""

from __future__ import annotations

import torch
from torch import Tensor

from fmvae_core.music.drum_representation import HITS, OFFSETS, VELOCITIES
from fmvae_core.music.drums import DRUMS

_BORROWED = 0.3


def recombined(frames: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return drum frames ``(batch, steps, 27)`` in which some drums play as in another phrase.

    What a drum borrows is all that it plays through the phrase. It stays what it is but for how
    loud and how late the whole is: that is the drummer's, so the mean velocity and offset of the
    lender become those of the borrower. (Without this the vectors of velocity and offset grow
    weak, since nothing moves all drums together; see docs/evaluation.md.)

    Parameters
    ----------
    frames
        As played.
    share
        Of the phrases that borrow; each of their drums does with a chance of 0.3.
    generator
        Of the choice, on the CPU.
    """
    count = len(frames)
    is_borrower = torch.rand(count, 1, generator=generator) < share
    borrows = is_borrower & (torch.rand(count, len(DRUMS), generator=generator) < _BORROWED)
    others = torch.randperm(count, generator=generator).to(frames.device)

    hits = frames[..., HITS]
    sounding = hits.sum((1, 2)).clamp(min=1.0)
    velocity = (frames[..., VELOCITIES] * hits).sum((1, 2)) / sounding
    offset = (frames[..., OFFSETS] * hits).sum((1, 2)) / sounding
    louder = torch.where(velocity > 0, velocity / velocity[others].clamp(min=1e-3), 1.0)
    later = offset - offset[others]
    lent = frames[others]
    lent[..., VELOCITIES] = (lent[..., VELOCITIES] * louder.view(-1, 1, 1)).clamp(max=1.0)
    moved = (lent[..., OFFSETS] + later.view(-1, 1, 1)).clamp(-1.0, 1.0)
    lent[..., OFFSETS] = moved * lent[..., HITS]
    chosen = borrows.repeat(1, 3).unsqueeze(1).to(frames.device)  # hits, velocities, offsets
    return torch.where(chosen, lent, frames)
