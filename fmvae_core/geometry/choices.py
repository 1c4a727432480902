"""What can be chosen of the metric's estimate and of flatness."""

from __future__ import annotations

from typing import Literal

FlatnessForm = Literal["scale-free", "paper"]
JacobianEstimator = Literal["taylor", "nesterov-spokoiny", "nesterov-spokoiny-debiased"]
