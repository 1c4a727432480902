"""Grooves that nobody played, of those of a batch: what one drum does need not decide another."""

from __future__ import annotations

import torch
from torch import Tensor

from fmvae_core.music.drums import DRUMS

_LINES = 0.3
_HITS, _VELOCITIES, _OFFSETS = range(3)


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
    count, steps, _ = frames.shape
    is_borrower = torch.rand(count, 1, generator=generator) < share
    borrows = is_borrower & (torch.rand(count, len(DRUMS), generator=generator) < _LINES)
    others = torch.randperm(count, generator=generator).to(frames.device)

    parts = frames.view(count, steps, 3, len(DRUMS))
    hits = parts[:, :, _HITS]
    sounding = hits.sum((1, 2)).clamp(min=1.0)
    velocity = (parts[:, :, _VELOCITIES] * hits).sum((1, 2)) / sounding
    offset = (parts[:, :, _OFFSETS] * hits).sum((1, 2)) / sounding
    lent = parts[others]
    louder = torch.where(velocity > 0, velocity / velocity[others].clamp(min=1e-3), 1.0)
    later = offset - offset[others]
    lent[:, :, _VELOCITIES] = (lent[:, :, _VELOCITIES] * louder.view(-1, 1, 1)).clamp(max=1.0)
    moved = (lent[:, :, _OFFSETS] + later.view(-1, 1, 1)).clamp(-1.0, 1.0)
    lent[:, :, _OFFSETS] = moved * lent[:, :, _HITS]
    chosen = borrows.to(frames.device).view(count, 1, 1, len(DRUMS))
    return torch.where(chosen, lent, parts).view(frames.shape)
