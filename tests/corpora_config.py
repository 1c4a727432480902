"""The configuration of very small runs."""

from __future__ import annotations

from fmvae_core.training.config import TrainingConfig


def tiny_config(steps: int = 40, **changes: dict[str, object]) -> TrainingConfig:
    """Return the configuration of a run of a few seconds."""
    tables: dict[str, dict[str, object]] = {
        "model": {
            "latent_dim": 6,
            "encoder_hidden": [12, 12],
            "conductor_hidden": 12,
            "decoder_hidden": [12, 12],
            "prior_hidden": [16],
            "prior_latent_dim": 6,
            "importance_samples": 3,
        },
        "optimiser": {"steps": steps, "batch_size": 8, "learning_rate": 5e-3},
        "constraint": {"kappa": 0.3, "smoothing": 0.5},
        "flatness": {"points": 4, "directions": 3, "ramp": 5},
    }
    for name, table in changes.items():
        tables[name] |= table
    return TrainingConfig.from_dict({"preset": "tiny", "size": "test", **tables})
