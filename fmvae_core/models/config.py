"""The shape of a model: everything in a row of Table 3 that describes the networks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from fmvae_core.music.phrase import STEPS_PER_BAR


@dataclass(frozen=True)
class ModelConfig:
    """Shape of an FM-Music-VAE (Figure 1, Table 3).

    Parameters
    ----------
    representation
        How phrases become frames.
    bars, features
        Input of ``16 * bars`` steps of ``features``.
    latent_dim
        Size of z.
    encoder_hidden
        Units of each layer of the bidirectional GRU, for each direction.
    conductor_hidden
        Units of the conductor.
    decoder_hidden
        Units of each layer of the bar-level GRU.
    place_in_bar
        Whether the bar-level GRU is told at which step of the bar it is, by a learnt vector added
        to its input. Ours: without frame feedback it would have to count.
    prior_hidden
        Units of the fully connected layers of q(zeta|z) and p(z|zeta).
    prior_latent_dim
        Size of zeta.
    importance_samples
        K of equation 2.
    """

    representation: str = "drums"
    bars: int = 2
    features: int = 27
    latent_dim: int = 32
    encoder_hidden: tuple[int, ...] = (512, 512)
    conductor_hidden: int = 512
    decoder_hidden: tuple[int, ...] = (512, 512)
    place_in_bar: bool = True
    prior_hidden: tuple[int, ...] = (256, 256)
    prior_latent_dim: int = 32
    importance_samples: int = 8

    def __post_init__(self) -> None:
        if self.representation != "drums":
            raise ValueError(f"there is no representation '{self.representation}'; choose drums")
        for name in ("encoder_hidden", "decoder_hidden"):
            units = getattr(self, name)
            if not units or len(set(units)) != 1:
                raise ValueError(f"{name} needs layers of one size, not {units}")

    @property
    def steps(self) -> int:
        """Steps of a phrase."""
        return self.bars * STEPS_PER_BAR

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> ModelConfig:
        """Return the configuration that `to_dict` described.

        Raises
        ------
        ValueError
            If a field is unknown or has an impossible value.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := set(fields) - known:
            raise ValueError(f"unknown model settings: {', '.join(sorted(unknown))}")
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
        }
        return cls(**values)
