"""MusicVAE's hierarchical decoder: LSTMs that hear the frame before (Roberts et al. 2018)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fmvae_core.models.config import ModelConfig
from fmvae_core.music.phrase import STEPS_PER_BAR

State = tuple[Tensor, Tensor]


class AutoregressiveDecoder(nn.Module):
    """A latent point, and the frames so far, to the outputs of every step.

    The conductor starts from z and hears nothing else. Its output initialises the bar-level LSTM of
    its bar and is, with the frame before, that network's input at every step.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        conductor, hidden = config.conductor_hidden, config.decoder_hidden[0]
        self.bars = config.bars
        self.features = config.features
        self.layers = len(config.decoder_hidden)
        self.hidden = hidden
        self.conductor_start = nn.Linear(config.latent_dim, 2 * conductor)
        self.conductor = nn.LSTM(1, conductor, batch_first=True)
        self.bar_start = nn.Linear(conductor, 2 * self.layers * hidden)
        self.bar = nn.LSTM(
            config.features + conductor, hidden, num_layers=self.layers, batch_first=True
        )
        self.head = nn.Linear(hidden, config.features)

    def plan(self, z: Tensor) -> Tensor:
        """Return the conductor's outputs ``(batch, bars, units)`` for points ``(batch, d)``."""
        start, cell = torch.tanh(self.conductor_start(z)).unsqueeze(0).chunk(2, dim=-1)
        silence = z.new_zeros(len(z), self.bars, 1)
        outputs: Tensor
        outputs, _ = self.conductor(silence, (start.contiguous(), cell.contiguous()))
        return outputs

    def teach(self, z: Tensor, frames: Tensor) -> Tensor:
        """Return raw outputs ``(batch, steps, features)`` where each step hears the true frame."""
        plan = self.plan(z).flatten(0, 1)
        before = torch.cat([torch.zeros_like(frames[:, :1]), frames[:, :-1]], dim=1)
        before = before.reshape(len(plan), STEPS_PER_BAR, -1)
        inputs = torch.cat([before, plan.unsqueeze(1).expand(-1, STEPS_PER_BAR, -1)], dim=-1)
        outputs, _ = self.bar(inputs, self._start(plan))
        return self.head(outputs).reshape(len(z), self.bars * STEPS_PER_BAR, -1)

    def run(self, z: Tensor, hear: Callable[[Tensor, int], Tensor]) -> Tensor:
        """Return raw outputs ``(batch, steps, features)``, step by step.

        Parameters
        ----------
        z
            ``(batch, d)``.
        hear
            Called with the raw outputs ``(batch, features)`` of a step and its number; returns the
            frame that the next step hears.
        """
        plans = self.plan(z)
        frame = z.new_zeros(len(z), self.features)
        outputs = []
        for bar in range(self.bars):
            plan = plans[:, bar]
            state = self._start(plan)
            for step in range(STEPS_PER_BAR):
                inputs = torch.cat([frame, plan], dim=-1).unsqueeze(1)
                out, state = self.bar(inputs, state)
                raw = self.head(out[:, 0])
                outputs.append(raw)
                frame = hear(raw, bar * STEPS_PER_BAR + step)
        return torch.stack(outputs, dim=1)

    def _start(self, plan: Tensor) -> State:
        states = torch.tanh(self.bar_start(plan)).view(len(plan), 2, self.layers, self.hidden)
        hidden, cell = states.permute(1, 2, 0, 3).contiguous()
        return hidden, cell
