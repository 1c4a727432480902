"""The likelihood's parameters: a conductor over bars and a GRU within each bar (Figure 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from fmvae_core.models import fused_gru
from fmvae_core.models.config import ModelConfig
from fmvae_core.music.phrase import STEPS_PER_BAR


class ParallelDecoder(nn.Module):
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
        outputs = self._bars(plan, states.transpose(0, 1).contiguous())
        return self.head(outputs).reshape(batch, self.bars * STEPS_PER_BAR, -1)

    def _bars(self, plan: Tensor, start: Tensor) -> Tensor:
        """Return the bar-level GRU's outputs ``(bars, 16, hidden)``, all bars being one batch."""
        if plan.is_cuda:
            steps = plan.unsqueeze(1).expand(-1, STEPS_PER_BAR, -1)
            if self.place is not None:
                steps = steps + self.place
            outputs, _ = self.bar(steps, start)
            return outputs
        # The same sums in another order: torch.nn.GRU would multiply the plan with the weights of
        # the first layer's input at each of the 16 steps. On a CPU that takes longer than this.
        into, recurrent, into_bias, bias, *above = self.bar.parameters()
        if fused_gru.is_fit_for(self, plan):
            heard = linear(plan, into, fused_gru.joint_bias(into_bias, bias))
            given = heard.unsqueeze(0).expand(STEPS_PER_BAR, -1, -1)
            if self.place is not None:
                given = given + linear(self.place, into).unsqueeze(1)
            first = fused_gru.recur(given, recurrent, bias, start[0])
            return fused_gru.run(self.bar, first, start[1:], first=1).transpose(0, 1)
        heard = linear(plan, into, into_bias)
        gates = [heard] * STEPS_PER_BAR
        if self.place is not None:
            gates = [heard + place for place in linear(self.place, into).unbind()]
        state, states = start[0], []
        for given in gates:
            state = _gru_step(given, torch.addmm(bias, state, recurrent.t()), state)
            states.append(state)
        outputs = torch.stack(states)
        if above:
            outputs, _ = torch.gru(
                outputs, start[1:], tuple(above), True, self.layers - 1, 0.0, False, False, False
            )
        return outputs.transpose(0, 1)


def _gru_step(given: Tensor, own: Tensor, state: Tensor) -> Tensor:
    """Return a GRU's next state of what input and state give to its gates, ``(batch, 3 * n)``."""
    n = state.shape[1]
    given_both, given_new = given.split((2 * n, n), dim=1)
    own_both, own_new = own.split((2 * n, n), dim=1)
    reset, update = torch.sigmoid(given_both + own_both).chunk(2, dim=1)
    new = torch.tanh(torch.addcmul(given_new, reset, own_new))
    return torch.lerp(new, state, update)
