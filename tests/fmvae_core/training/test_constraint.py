"""The multiplier's sign, its rest point and the initial phase."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.training.constraint import (
    ConstraintConfig,
    ConstraintState,
    advance,
    begin,
    rewo_beta,
)


@given(st.floats(1e-3, 10.0), st.floats(1e-4, 1.0))
def test_a_violated_bound_raises_lambda(beta: float, violation: float) -> None:
    assert rewo_beta(beta, violation, 1.0) < beta


@pytest.mark.parametrize("start", [0.2, 5.0])
def test_a_satisfied_bound_moves_beta_to_the_plain_elbo_from_either_side(start: float) -> None:
    beta = start
    distances = []
    for _ in range(3000):
        beta = rewo_beta(beta, -0.01, 1.0)
        distances.append(abs(math.log(beta)))
    assert distances[-1] < 0.02
    assert distances[0] < abs(math.log(start))


def test_the_initial_phase_ends_once_the_average_meets_the_bound() -> None:
    config = ConstraintConfig(kappa=0.5, smoothing=0.5)
    state = begin(config)
    for step, value in enumerate([1.0, 0.4, 0.2, 0.04, 0.6], start=1):
        state = advance(state, value, step, 100, config)
    assert state.phase_end == 4  # averages 1, .7 and .45 lie above .25, .245 below
    assert not state.relaxed
    assert state.bound == 0.25


def test_lambda_rests_in_the_initial_phase_and_moves_afterwards() -> None:
    config = ConstraintConfig(kappa=0.5, initial_beta=0.01, min_beta=0.01)
    state = advance(begin(config), 1.0, 1, 100, config)
    assert state.is_initial
    assert state.multiplier == pytest.approx(100.0)
    moved = advance(ConstraintState(0.1, 0.25, average=0.2, phase_end=1), 0.2, 2, 100, config)
    assert moved.multiplier < 10.0


def test_a_bound_out_of_reach_is_relaxed_after_its_share_of_the_run() -> None:
    config = ConstraintConfig(kappa=0.1, initial_share=0.25, relaxation=1.1)
    state = begin(config)
    for step in range(1, 25):
        state = advance(state, 0.5, step, 100, config)
        assert state.is_initial
    state = advance(state, 0.5, 25, 100, config)
    assert state.phase_end == 25
    assert state.relaxed
    assert state.bound == pytest.approx(0.55)


@given(st.lists(st.floats(0.0, 5.0), min_size=1, max_size=60))
def test_beta_stays_within_its_bounds(values: list[float]) -> None:
    for multiplier in ("rewo", "relative"):
        config = ConstraintConfig(kappa=0.7, multiplier=multiplier, smoothing=0.0)
        state = begin(config)
        for step, value in enumerate(values, start=1):
            state = advance(state, value, step, 8, config)
            assert config.min_beta <= state.beta <= config.max_beta


def test_music_vae_anneals_whatever_the_reconstruction() -> None:
    config = ConstraintConfig(
        kappa=0.03, multiplier="annealed", max_beta=0.5, anneal_rate=0.99999, free_bits=48
    )
    state = begin(config)
    assert state.beta == 0
    assert not state.is_initial
    betas = []
    for step in range(1, 101):
        state = advance(state, 1.0, step, 100, config)
        betas.append(state.beta)
    assert betas == sorted(betas)
    # 200,000 published steps are done in the 100 of this run.
    assert betas[-1] == pytest.approx(0.5 * (1 - 0.99999**200_000))
    assert config.free_nats == pytest.approx(33.27, abs=0.01)


def test_a_constant_beta_is_an_annealing_of_no_duration() -> None:
    config = ConstraintConfig(multiplier="annealed", max_beta=0.2)
    state = begin(config)
    assert advance(state, 1.0, 1, 100, config).beta == state.beta == 0.2
