"""The posterior q(z|x): stacked bidirectional recurrent networks (section 3.1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmvae_core.models import fused_gru
from fmvae_core.models.config import ModelConfig

_INITIAL_LOG_STD = -2.0
_MIN_LOG_STD, _MAX_LOG_STD = -7.0, 2.0


class Encoder(nn.Module):
    """Frames to the mean and log standard deviation of z.

    The last states of the two directions of the top layer are concatenated and fed into one fully
    connected layer that gives both.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hidden = config.encoder_hidden[0]
        cell = nn.LSTM if config.encoder_cell == "lstm" else nn.GRU
        self.rnn: nn.RNNBase = cell(
            config.features,
            hidden,
            num_layers=len(config.encoder_hidden),
            bidirectional=True,
            batch_first=True,
        )
        self.head = nn.Linear(2 * hidden, 2 * config.latent_dim)
        with torch.no_grad():
            # From a standard deviation of 1 the signal is lost in noise for hundreds of steps.
            self.head.bias[config.latent_dim :] = _INITIAL_LOG_STD

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log standard deviation, each ``(batch, latent_dim)``.

        Parameters
        ----------
        frames
            ``(batch, steps, features)``.
        """
        mean, log_std = self.head(self._last(frames)).chunk(2, dim=-1)
        return mean, log_std.clamp(_MIN_LOG_STD, _MAX_LOG_STD)

    def _last(self, frames: Tensor) -> Tensor:
        """Return the last states of both directions of the top layer, ``(batch, 2 * hidden)``."""
        if isinstance(self.rnn, nn.GRU) and fused_gru.is_fit_for(self, frames):
            outputs = fused_gru.run(self.rnn, frames.transpose(0, 1))
            forwards, backwards = outputs.chunk(2, dim=-1)
            return torch.cat([forwards[-1], backwards[0]], dim=-1)
        _, state = self.rnn(frames)
        last = state[0] if isinstance(state, tuple) else state
        return torch.cat([last[-2], last[-1]], dim=-1)
