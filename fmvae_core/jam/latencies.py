"""How late a player's hits come, for each device that was calibrated: a file of the settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, FiniteFloat, ValidationError

from fmvae_core.files import config_dir, replacing

PADS = "pads on the screen"
"""What the device is called that is no MIDI port."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    milliseconds: dict[str, FiniteFloat] = {}


def _path() -> Path:
    return config_dir() / "latencies.json"


def load_latencies() -> dict[str, float]:
    """Return the latency of each device that was calibrated, in milliseconds.

    Signed: below zero where the human is early by more than the devices are late. Without a file,
    or with one that cannot be read, there are none.
    """
    try:
        return dict(_File.model_validate_json(_path().read_bytes()).milliseconds)
    except (OSError, ValidationError):
        return {}


def save_latency(device: str, milliseconds: float) -> None:
    """Remember a device's latency."""
    known = load_latencies() | {device: round(milliseconds, 1)}
    with replacing(_path()) as scratch:
        text = _File(milliseconds=known).model_dump_json(indent=2) + "\n"
        scratch.write_text(text, encoding="utf-8")


def latency_of(devices: Sequence[str]) -> float:
    """Return the latency, in milliseconds, of the first of these that was calibrated; else 0.

    A device may be named by a part of its name, in any case; one of just that name comes first.
    """
    known = load_latencies()
    for device in devices:
        if device in known:
            return known[device]
        for name, milliseconds in known.items():
            if device.lower() in name.lower():
                return milliseconds
    return 0.0
