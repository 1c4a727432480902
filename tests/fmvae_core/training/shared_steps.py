"""A process among several, which a test starts with torchrun: ``shared_steps.py FOLDER``.

Each compares what all of them compute together with what it computes alone; then memory runs out in
one of them. The first writes what it found.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.runs.record import read_record
from fmvae_core.training import trainer
from fmvae_core.training.config import TrainingConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.objective import Weights, loss
from fmvae_core.training.steering import Watcher, follow, steer
from tests.corpora import tiny_corpus
from tests.corpora_config import tiny_config

AUTOREGRESSIVE = {"decoder": "autoregressive", "prior": "standard"}

CASES: dict[str, tuple[TrainingConfig, Weights]] = {
    "initial phase": (tiny_config(), Weights(1e-3)),
    "flatness": (tiny_config(), Weights(0.5, 60.0)),
    "unequal shares of points": (tiny_config(flatness={"points": 5}), Weights(0.5, 60.0)),
    "all directions": (tiny_config(flatness={"directions": 0}), Weights(0.5, 60.0)),
    "equation 6": (tiny_config(flatness={"form": "paper"}), Weights(0.5, 1.0)),
    "equation 8": (
        tiny_config(flatness={"estimator": "nesterov-spokoiny-debiased"}),
        Weights(0.5, 60.0),
    ),
    "free bits": (tiny_config(), Weights(0.5, 0.0, free_nats=2.0)),
    "scheduled sampling": (tiny_config(model=AUTOREGRESSIVE), Weights(0.5, teacher_share=0.5)),
}


def difference(config: TrainingConfig, weights: Weights, hardware: Hardware) -> float:
    """Return how far any measure or gradient together is from that alone, relatively."""
    torch.manual_seed(0)
    model = RecurrentVAE(config.model)
    hardware.place(model)
    corpus = tiny_corpus()
    frames = torch.from_numpy(corpus.cut(corpus.windows(2))[:8])
    found = []
    for where in (hardware, hardware.alone):
        model.zero_grad()
        batch = where.to_device(frames)
        generator = where.generator(3, 1)
        total, metrics = loss(model, batch, weights, config.flatness, generator, where)
        total.backward()
        where.sum_gradients(model.parameters())
        figures = [total.detach(), *(torch.tensor(each) for each in metrics.to_floats().values())]
        found.append(figures + [parameter.grad for parameter in model.parameters()])
    return max(
        float((together - alone).abs().max() / alone.abs().max().clamp_min(1e-12))
        for together, alone in zip(*found, strict=True)
    )


def main() -> None:
    """Compare, then run out of memory."""
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    hardware = Hardware.choose("cpu", precision="64-true")
    hardware.launch()
    found = {
        name: difference(config, weights, hardware) for name, (config, weights) in CASES.items()
    }
    if hardware.is_first:
        found["processes"] = hardware.size
        (folder / "found.json").write_text(json.dumps(found))

    rank = hardware.rank

    def with_little_memory(model, batch, *others):
        own = batch[others[-1].rows(len(batch))]
        if rank == 1 and len(own) > 2:
            torch.empty(1 << 55)
        return loss(model, batch, *others)

    trainer.loss = with_little_memory
    if hardware.is_first:
        steer(folder / "run", read_record(folder / "run"), Watcher())
    else:
        follow(Hardware.choose("cpu", precision="64-true"), lambda: False)


if __name__ == "__main__":
    main()
