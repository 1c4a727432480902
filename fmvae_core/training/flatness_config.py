"""Settings of the metric regularisation, for those who load no torch, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from fmvae_core.geometry.choices import FlatnessForm, JacobianEstimator


@dataclass(frozen=True)
class FlatnessConfig:
    """Settings of the metric regularisation.

    Parameters
    ----------
    eta
        Weight of the term; 0 switches it off. With the ``paper`` form it is that of equation 5.
    form
        ``scale-free`` or ``paper`` (equation 6).
    estimator
        How the metric tensor is estimated (`fmvae_core.geometry.metric.estimate_metric`).
    directions
        Random orthonormal directions of ``taylor``, or 0 for all latent dimensions.
    samples
        S of equation 8, of the other estimators.
    points
        Mixup points a step.
    alpha0
        How far mixup goes beyond its two points.
    step
        h of the Taylor expansion or mu of equation 8, in standard deviations of the latents of the
        batch.
    ramp
        Steps over which eta grows to its full value once the initial phase is over.
    observation
        What f(z) is: the ``plain`` frame of the likelihood's means, which for drums are
        ``[p, p * velocity, p * offset]`` because an absent hit counts as 0; or the ``audible`` one,
        in which velocity and offset are weighted by p once more.
    """

    eta: float = 60.0
    form: FlatnessForm = "scale-free"
    estimator: JacobianEstimator = "taylor"
    directions: int = 8
    samples: int = 32
    points: int = 16
    alpha0: float = 0.3
    step: float = 0.05
    ramp: int = 500
    observation: Literal["audible", "plain"] = "plain"

    def __post_init__(self) -> None:
        if self.form not in ("scale-free", "paper"):
            raise ValueError(f"there is no flatness '{self.form}'; choose scale-free or paper")
        if self.estimator not in (estimators := get_args(JacobianEstimator)):
            raise ValueError(
                f"there is no estimator '{self.estimator}'; choose {', '.join(estimators)}"
            )
        if self.samples < 4:
            raise ValueError(f"equation 8 needs four samples or more, not {self.samples}")
        if self.observation not in ("audible", "plain"):
            raise ValueError(f"f(z) is 'audible' or 'plain', not '{self.observation}'")
