"""Constrained optimisation: how the weight of the KL follows the reconstruction (section 3.2.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

Multiplier = Literal["rewo", "relative", "annealed"]

PUBLISHED_STEPS = 200_000
"""Length of the run that MusicVAE's schedules are published for; they are scaled to the run."""

_STEEPNESS = 100.0  # tau of f, as Klushyn et al. 2019 publish it


@dataclass(frozen=True)
class ConstraintConfig:
    """Settings of the constrained optimisation.

    Parameters
    ----------
    kappa
        The bound: the moving average of C shall lie below ``kappa ** 2``. C is the mean squared
        error over all features of the frames.
    nu
        Rate of the multiplier (Table 3).
    multiplier
        ``rewo`` is the update of Klushyn et al. 2019; ``relative`` steps by the relative violation;
        ``annealed`` leaves the constraint out, as MusicVAE does: beta rises as
        ``max_beta * (1 - anneal_rate ** step)`` whatever the reconstruction.
    anneal_rate
        Of MusicVAE's schedule; 0 is a constant beta.
    free_bits
        KL of a phrase, in bits and in total, that costs nothing.
    initial_beta, min_beta, max_beta
        Weight of the KL in the initial phase, and its bounds afterwards. ``beta = 1 / lambda``.
    smoothing
        Share of the past in the moving average of C.
    initial_share
        Share of the planned steps after which the initial phase ends even if the bound is not met.
    relaxation
        The bound is then set to this multiple of the best value seen, unless that is lower. Below 1
        it asks for what the rest of the run can be expected to bring.
    """

    kappa: float = 0.14
    nu: float = 1.0
    multiplier: Multiplier = "rewo"
    anneal_rate: float = 0.0
    free_bits: float = 0.0
    initial_beta: float = 1e-3
    min_beta: float = 1e-3
    max_beta: float = 10.0
    smoothing: float = 0.99
    initial_share: float = 0.25
    relaxation: float = 1.1

    def __post_init__(self) -> None:
        if self.kappa <= 0:
            raise ValueError(f"kappa must be positive, not {self.kappa}")
        if not 0 < self.min_beta <= self.max_beta:
            raise ValueError("the bounds of beta must satisfy 0 < min_beta <= max_beta")
        if self.multiplier not in get_args(Multiplier):
            raise ValueError(f"there is no multiplier '{self.multiplier}'")
        if not 0 <= self.anneal_rate < 1 or self.free_bits < 0:
            raise ValueError("anneal_rate lies between 0 and 1, and free_bits is not negative")

    @property
    def free_nats(self) -> float:
        """KL of a phrase that costs nothing."""
        return self.free_bits * math.log(2)

    def annealed_beta(self, step: int, planned: int) -> float:
        """Return MusicVAE's beta after `step` steps of a run of `planned`."""
        if self.anneal_rate == 0:
            return self.max_beta
        return self.max_beta * (1 - self.anneal_rate ** (step * PUBLISHED_STEPS / planned))


@dataclass(frozen=True)
class ConstraintState:
    """Where the constrained optimisation stands; part of every checkpoint.

    ``average`` is the moving average of C (``None`` before the first step), ``bound`` is kappa^2,
    ``phase_end`` the step at which the initial phase ended.
    """

    beta: float
    bound: float
    average: float | None = None
    best: float = math.inf
    phase_end: int | None = None
    relaxed: bool = False

    @property
    def is_initial(self) -> bool:
        """Whether reconstruction alone still rules."""
        return self.phase_end is None

    @property
    def multiplier(self) -> float:
        """Lambda of equation 3."""
        return 1.0 / self.beta if self.beta > 0 else math.inf


def begin(config: ConstraintConfig) -> ConstraintState:
    """Return the state before the first step."""
    if config.multiplier == "annealed":
        return ConstraintState(config.annealed_beta(0, 1), config.kappa**2, phase_end=0)
    return ConstraintState(beta=config.initial_beta, bound=config.kappa**2)


def rewo_beta(beta: float, violation: float, nu: float) -> float:
    """Return beta after one published REWO update.

    ``beta * exp(nu * f * violation)`` with ``f = (1 - H) tanh(tau (beta - 1)) - H`` and H = 1 where
    the bound is violated: then beta falls (lambda grows); where it is satisfied, beta moves towards
    1, the plain ELBO, from either side.
    """
    f = -1.0 if violation >= 0 else math.tanh(_STEEPNESS * (beta - 1.0))
    return beta * math.exp(nu * f * violation)


def advance(
    state: ConstraintState, value: float, step: int, planned: int, config: ConstraintConfig
) -> ConstraintState:
    """Return the state after a step whose reconstruction error was `value`.

    Parameters
    ----------
    value
        C of this step's batch.
    step
        Steps done, this one included.
    planned
        Steps of the whole run; sets when the initial phase has taken its share.
    """
    past = config.smoothing
    average = value if state.average is None else past * state.average + (1 - past) * value
    state = replace(state, average=average, best=min(state.best, average))

    if config.multiplier == "annealed":
        return replace(state, beta=config.annealed_beta(step, planned))
    if state.is_initial:
        if average < state.bound:
            return replace(state, phase_end=step, beta=max(state.beta, config.min_beta))
        if step >= config.initial_share * planned:
            bound = max(state.bound, config.relaxation * state.best)
            return replace(
                state,
                phase_end=step,
                bound=bound,
                relaxed=bound > state.bound,
                beta=max(state.beta, config.min_beta),
            )
        return state

    violation = average - state.bound
    if config.multiplier == "rewo":
        beta = rewo_beta(state.beta, violation, config.nu)
    else:
        relative = min(1.0, max(-1.0, -violation / state.bound))
        beta = state.beta * math.exp(0.05 * config.nu * relative)
    return replace(state, beta=min(config.max_beta, max(config.min_beta, beta)))
