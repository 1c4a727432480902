"""The shape of a model: everything in a row of Table 3 that describes the networks."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fmvae_core.music.phrase import STEPS_PER_BAR

Cell = Literal["gru", "lstm"]
DecoderKind = Literal["parallel", "autoregressive"]
PriorKind = Literal["hierarchical", "standard"]
RepresentationName = Literal["drums", "melody", "motion"]

_CHOICES = {
    "representation": get_args(RepresentationName),
    "encoder_cell": get_args(Cell),
    "decoder": get_args(DecoderKind),
    "prior": get_args(PriorKind),
}


@dataclass(frozen=True)
class ModelConfig:
    """Shape of a recurrent VAE (Figure 1, Table 3).

    The defaults are those of FM-Music-VAE. MusicVAE is ``encoder_cell = "lstm"``,
    ``decoder = "autoregressive"``, ``prior = "standard"``.

    Parameters
    ----------
    representation
        How phrases become frames.
    bars, features
        Input of ``16 * bars`` steps of ``features``.
    latent_dim
        Size of z.
    encoder_cell
        Of the bidirectional recurrent network.
    encoder_hidden
        Units of each of its layers, for each direction.
    decoder
        ``parallel``: GRUs without frame feedback, all bars at once; ``autoregressive``: MusicVAE's
        LSTMs, which hear the frame before.
    conductor_hidden
        Units of the conductor.
    decoder_hidden
        Units of each layer of the bar-level network.
    place_in_bar
        Whether the parallel decoder is told at which step of the bar it is, by a learnt vector
        added to its input. Ours: without frame feedback it would have to count.
    prior
        ``hierarchical`` (equation 2) or a ``standard`` Normal.
    prior_hidden
        Units of the fully connected layers of q(zeta|z) and p(z|zeta).
    prior_latent_dim
        Size of zeta.
    importance_samples
        K of equation 2.
    """

    representation: RepresentationName = "drums"
    bars: int = 2
    features: int = 27
    latent_dim: int = 32
    encoder_cell: Cell = "gru"
    encoder_hidden: tuple[int, ...] = (512, 512)
    decoder: DecoderKind = "parallel"
    conductor_hidden: int = 512
    decoder_hidden: tuple[int, ...] = (512, 512)
    place_in_bar: bool = True
    prior: PriorKind = "hierarchical"
    prior_hidden: tuple[int, ...] = (256, 256)
    prior_latent_dim: int = 32
    importance_samples: int = 8

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if (chosen := getattr(self, name)) not in choices:
                raise ValueError(f"there is no {name} '{chosen}'; choose {', '.join(choices)}")
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
