"""The likelihood's parameters: a conductor over bars and a GRU within each bar (Figure 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fmvae_core.models.config import ModelConfig
from fmvae_core.music.phrase import STEPS_PER_BAR


class HierarchicalDecoder(nn.Module):
    """A latent point to the outputs of every step, deterministically and without frame feedback.

    The conductor starts from z and hears z at every bar. Its output initialises both layers of the
    bar-level GRU and is that GRU's input at every step. Since no frame is fed back, the bars do not
    depend on one another and run side by side as one batch; so does the exact same map f(z) that
    the metric tensor is defined on.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        conductor, hidden = config.conductor_hidden, config.decoder_hidden[0]
        self.bars = config.bars
        self.layers = len(config.decoder_hidden)
        self.hidden = hidden
        self.conductor_start = nn.Linear(config.latent_dim, conductor)
        self.conductor = nn.GRU(config.latent_dim, conductor, batch_first=True)
        self.bar_start = nn.Linear(conductor, self.layers * hidden)
        self.bar = nn.GRU(conductor, hidden, num_layers=self.layers, batch_first=True)
        self.head = nn.Linear(hidden, config.features)
        if config.place_in_bar:
            self.place = nn.Parameter(0.1 * torch.randn(STEPS_PER_BAR, conductor))
        else:
            self.register_parameter("place", None)

    def forward(self, z: Tensor) -> Tensor:
        """Return raw outputs ``(batch, steps, features)`` for points ``(batch, latent_dim)``."""
        batch = len(z)
        start = torch.tanh(self.conductor_start(z)).unsqueeze(0)
        plan, _ = self.conductor(z.unsqueeze(1).expand(-1, self.bars, -1), start)
        plan = plan.reshape(batch * self.bars, -1)
        states = torch.tanh(self.bar_start(plan)).view(-1, self.layers, self.hidden)
        steps = plan.unsqueeze(1).expand(-1, STEPS_PER_BAR, -1)
        if self.place is not None:
            steps = steps + self.place
        outputs, _ = self.bar(steps, states.transpose(0, 1).contiguous())
        return self.head(outputs).reshape(batch, self.bars * STEPS_PER_BAR, -1)
