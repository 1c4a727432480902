"""The training step as one would first write it, to measure the real one against.

The same model, losses and random numbers as `fmvae_core.training.objective.loss`, written plainly:
a loop over the steps of the decoder, the exact Jacobian over all latent dimensions, and its
gradient by differentiating twice. Phrases come from a data loader.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from fmvae_core.geometry.metric import flatness_loss, metric_tensor
from fmvae_core.geometry.mixup import mixup
from fmvae_core.models.decoder import ParallelDecoder
from fmvae_core.models.recurrent_vae import RecurrentVAE, sample_posterior
from fmvae_core.music.phrase import STEPS_PER_BAR
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.flatness_config import FlatnessConfig
from fmvae_core.training.objective import Weights


class Phrases(Dataset[Tensor]):
    """Windows of a corpus's frames, cut one by one."""

    def __init__(
        self, frames: npt.NDArray[np.float32], starts: npt.NDArray[np.int64], steps: int
    ) -> None:
        self._frames = frames
        self._starts = starts
        self._steps = steps

    def __len__(self) -> int:
        return len(self._starts)

    def __getitem__(self, index: int) -> Tensor:
        start = int(self._starts[index])
        return torch.from_numpy(self._frames[start : start + self._steps])


class Stepper:
    """Steps of training: data loader, loss, gradient, clipping, Adam and averaged weights."""

    def __init__(
        self,
        model: RecurrentVAE,
        config: TrainingConfig,
        phrases: Phrases,
        weights: Weights,
        device: torch.device,
    ) -> None:
        self._model = model.to(device).eval()  # in training it would use our own GRU
        self._device = device
        self._config = config
        self._weights = weights
        self._loader = DataLoader(
            phrases, batch_size=config.optimiser.batch_size, shuffle=True, drop_last=True
        )
        self._batches = iter(self._loader)
        self._optimiser = torch.optim.Adam(model.parameters(), lr=config.optimiser.learning_rate)
        self._generator = torch.Generator(device).manual_seed(config.seed)
        self._average = {name: value.clone() for name, value in model.state_dict().items()}

    def take_step(self) -> float:
        """Do one step and return its loss."""
        frames = next(self._batches, None)
        if frames is None:
            self._batches = iter(self._loader)
            frames = next(self._batches)
        self._optimiser.zero_grad()
        frames = frames.to(self._device)
        total = loss(self._model, frames, self._weights, self._config.flatness, self._generator)
        total.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), self._config.optimiser.clip)
        self._optimiser.step()
        share = 1 - self._config.optimiser.averaging
        with torch.no_grad():
            for name, value in self._model.state_dict().items():
                self._average[name].lerp_(value, share)
        return total.item()


def loss(
    model: RecurrentVAE,
    frames: Tensor,
    weights: Weights,
    flatness: FlatnessConfig,
    generator: torch.Generator,
) -> Tensor:
    """Return the loss of a batch; parameters are those of `fmvae_core.training.objective.loss`.

    The Jacobian is always exact and over all latent dimensions.
    """
    mean, log_std = model.encode(frames)
    options: Any = {"generator": generator, "dtype": mean.dtype, "device": mean.device}
    noise = torch.randn(mean.shape, **options)
    z = sample_posterior(mean, log_std, noise)
    samples = (model.config.importance_samples, len(z), model.config.prior_latent_dim)
    prior_noise = torch.randn(samples, **options)
    nll = model.likelihood.negative_log_likelihood(decode(model, z), frames).mean()
    kl = model.kl_bound(z, mean, log_std, prior_noise)
    total = nll + weights.beta * (kl - weights.free_nats).clamp_min(0.0).mean()
    if weights.eta > 0:
        points = mixup(z, flatness.points, flatness.alpha0, generator)

        def f(point: Tensor) -> Tensor:
            expected = model.likelihood.expected_frames(decode(model, point.unsqueeze(0)))
            if flatness.observation == "audible":
                expected = model.likelihood.audible(expected)
            return expected.flatten()

        jacobian: Any = torch.func.vmap(torch.func.jacfwd(f))(points)
        metric = metric_tensor(jacobian.transpose(1, 2))
        eta = weights.eta * weights.beta if flatness.form == "paper" else weights.eta
        total = total + eta * flatness_loss(metric, flatness.form)
    return total


def decode(model: RecurrentVAE, z: Tensor) -> Tensor:
    """Return the raw outputs ``(batch, steps, features)`` of points, step after step."""
    decoder = model.decoder
    assert isinstance(decoder, ParallelDecoder)
    plan = torch.tanh(decoder.conductor_start(z))
    outputs = []
    for _ in range(decoder.bars):
        plan = _cell(decoder.conductor, 0, z, plan)
        start = torch.tanh(decoder.bar_start(plan))
        states = list(start.view(-1, decoder.layers, decoder.hidden).unbind(1))
        for step in range(STEPS_PER_BAR):
            heard = plan + decoder.place[step] if model.config.place_in_bar else plan
            for layer in range(decoder.layers):
                heard = states[layer] = _cell(decoder.bar, layer, heard, states[layer])
            outputs.append(decoder.head(heard))
    return torch.stack(outputs, dim=1)


def _cell(network: nn.GRU, layer: int, inputs: Tensor, state: Tensor) -> Tensor:
    """Return the next state of one layer of a GRU."""
    weights = dict(network.named_parameters())

    def gates(kind: str, given: Tensor) -> tuple[Tensor, ...]:
        weight, bias = weights[f"weight_{kind}_l{layer}"], weights[f"bias_{kind}_l{layer}"]
        return nn.functional.linear(given, weight, bias).chunk(3, dim=-1)

    (reset_i, update_i, new_i), (reset_h, update_h, new_h) = gates("ih", inputs), gates("hh", state)
    reset, update = torch.sigmoid(reset_i + reset_h), torch.sigmoid(update_i + update_h)
    new = torch.tanh(new_i + reset * new_h)
    return new + update * (state - new)
