"""What a training's hardware may be called, for those who load no torch, too."""

from __future__ import annotations

from typing import Literal

Device = Literal["auto", "cpu", "cuda", "mps"]
"""``auto`` is CUDA where there is one, else the CPU."""

Precision = Literal["32-true", "bf16-mixed", "64-true"]
"""Of encoder and decoder; weights, sums and the flatness term have 32 bits, or 64 in the last."""
