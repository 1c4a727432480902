from __future__ import annotations

import numpy as np
import pytest

from fmvae_core.inference.networks import Networks
from fmvae_core.inference.solver import MARGIN, TOLERANCE, Box, Solution, solve
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drum_representation import DrumRepresentation


@pytest.fixture(scope="module")
def networks(bundle: Bundle) -> Networks:
    return Networks(bundle)


def solved(bundle: Bundle, networks: Networks, landmark: int, asks: dict[str, float]) -> Solution:
    return solve(
        networks.decode,
        bundle.landmarks.z[landmark],
        asks,
        bundle.attribute_vectors,
        Box.around(bundle.landmarks.z),
        bundle.representation,
        bundle.thresholds,
    )


def landmarks_in_the_middle(bundle: Bundle) -> list[int]:
    """Return landmarks from which every attribute can go either way."""
    ranks = bundle.landmarks.attributes.argsort(axis=0).argsort(axis=0) / len(bundle.landmarks)
    return np.flatnonzero((np.abs(ranks - 0.5) < 0.3).all(axis=1)).tolist()[:8]


def test_without_asks_it_is_one_decode(bundle: Bundle, networks: Networks) -> None:
    decodes = []

    def decode(z: np.ndarray) -> np.ndarray:
        decodes.append(len(z))
        return networks.decode(z)

    z = bundle.landmarks.z[3]
    solution = solve(
        decode,
        z,
        {},
        bundle.attribute_vectors,
        Box.around(bundle.landmarks.z),
        bundle.representation,
        bundle.thresholds,
    )
    assert decodes == [1]
    np.testing.assert_array_equal(solution.z, z)
    np.testing.assert_array_equal(solution.frames, networks.decode(z[None])[0])
    np.testing.assert_array_equal(solution.base, solution.achieved)
    np.testing.assert_allclose(solution.base, bundle.landmarks.attributes[3], rtol=1e-5)
    assert solution.reach == {}


@pytest.mark.parametrize("name", DrumRepresentation.attribute_names)
@pytest.mark.parametrize("share", [0.6, -0.6])
def test_what_is_within_reach_is_achieved(
    bundle: Bundle, networks: Networks, name: str, share: float
) -> None:
    column = DrumRepresentation.attribute_names.index(name)
    vector = bundle.attribute_vectors[name]
    box = Box.around(bundle.landmarks.z)
    misses = []
    for landmark in landmarks_in_the_middle(bundle):
        z = bundle.landmarks.z[landmark]
        lowest, highest = solved(bundle, networks, landmark, {name: 1e3 * share}).reach[name]
        ask = share * abs(highest if share > 0 else lowest)
        solution = solved(bundle, networks, landmark, {name: ask})
        change = (solution.achieved - solution.base)[column]
        found = solution.reach.get(name, (0.0, 0.0))  # none where almost nothing was asked
        assert found[0] <= change <= found[1] + TOLERANCE[name]
        # What a search of a thousand steps finds; an untrained network jumps, so it may miss too.
        steps = np.linspace(*box.steps(z.astype(np.float64), vector, 0.0), 1000)[:, None]
        heard = DrumRepresentation(2).attributes(
            networks.decode((z + steps * vector).astype(np.float32)), bundle.thresholds
        )
        best = np.abs(heard[:, column] - solution.base[column] - ask).min()
        miss = abs(change - ask)
        assert miss <= best + max(0.12 * (highest - lowest), TOLERANCE[name])
        misses.append(miss / (highest - lowest))
    assert np.median(misses) < 0.02


def test_what_is_achieved_is_heard_when_decoded_again(bundle: Bundle, networks: Networks) -> None:
    for landmark in range(10):
        solution = solved(bundle, networks, landmark, {"density": 9.0, "velocity": -0.04})
        again = networks.decode(solution.z[None])[0]
        np.testing.assert_array_equal(again, solution.frames)
        np.testing.assert_array_equal(
            DrumRepresentation(2).attributes(again, bundle.thresholds), solution.achieved
        )
        base = networks.decode(bundle.landmarks.z[landmark][None])[0]
        np.testing.assert_array_equal(
            DrumRepresentation(2).attributes(base, bundle.thresholds), solution.base
        )


def test_out_of_reach_ends_at_the_nearest_and_says_so(bundle: Bundle, networks: Networks) -> None:
    solution = solved(bundle, networks, 0, {"density": 500.0})
    change = (solution.achieved - solution.base)[0]
    assert 0 < change < 500
    assert change == pytest.approx(solution.reach["density"][1])


def test_stays_in_the_range_of_the_corpus(bundle: Bundle, networks: Networks) -> None:
    z = bundle.landmarks.z
    margin = MARGIN * np.ptp(z, axis=0) + 1e-5
    for landmark in range(10):
        asks = {"density": 500.0, "velocity": 1.0, "offset": -1.0}
        point = solved(bundle, networks, landmark, asks).z
        assert (point >= z.min(axis=0) - margin).all()
        assert (point <= z.max(axis=0) + margin).all()


def test_a_point_outside_the_range_can_still_be_moved(bundle: Bundle, networks: Networks) -> None:
    outside = (3 * bundle.landmarks.z.max(axis=0)).astype(np.float32)
    box = Box.around(bundle.landmarks.z)
    vectors = bundle.attribute_vectors
    heard = bundle.representation, bundle.thresholds
    down = solve(networks.decode, outside, {"density": -5.0}, vectors, box, *heard)
    assert (down.z <= outside + 1e-6).all()
    assert np.isfinite(down.achieved).all()


def test_several_asks_come_nearer_together(bundle: Bundle, networks: Networks) -> None:
    asks = {"density": 6.0, "velocity": 0.05}
    wanted = np.array(list(asks.values()))
    unit = np.array([TOLERANCE[name] for name in asks])
    shares = []
    for landmark in range(20):
        solution = solved(bundle, networks, landmark, asks)
        change = (solution.achieved - solution.base)[:2]
        shares.append(np.linalg.norm((change - wanted) / unit) / np.linalg.norm(wanted / unit))
    assert max(shares) <= 1  # never worse than staying
    assert np.median(shares) < 0.4


def test_an_ask_of_nothing_holds_an_attribute(bundle: Bundle, networks: Networks) -> None:
    drift = {"free": 0.0, "held": 0.0}
    for landmark in range(20):
        for word, asks in (("free", {}), ("held", {"velocity": 0.0})):
            solution = solved(bundle, networks, landmark, {"density": 8.0, **asks})
            drift[word] += abs(solution.achieved - solution.base)[1]
    assert drift["held"] < 0.5 * drift["free"]
    still = solved(bundle, networks, 0, {"density": 0.0, "velocity": 0.0})
    np.testing.assert_array_equal(still.z, bundle.landmarks.z[0])


def test_silence_is_not_taken_for_a_soft_phrase() -> None:
    def decode(z: np.ndarray) -> np.ndarray:
        """One drum, every step: velocity falls along the axis, and beyond 1 nothing sounds."""
        frames = np.zeros((len(z), 32, 27), np.float32)
        frames[:, :, 0] = (z[:, :1] <= 1.0) * 0.9
        frames[:, :, 9] = 0.8 - 0.2 * z[:, :1]
        return frames

    box = Box(np.array([-4.0]), np.array([4.0]))
    vectors = {"velocity": np.ones(1, np.float32)}
    heard = DrumRepresentation(2), np.full(9, 0.5, np.float32)
    solution = solve(decode, np.zeros(1, np.float32), {"velocity": -0.7}, vectors, box, *heard)
    assert solution.achieved[0] == 32
    assert solution.achieved[1] == pytest.approx(0.6, abs=0.01)
    assert solution.reach["velocity"][0] == pytest.approx(-0.2, abs=0.01)


@pytest.mark.parametrize("name", ["density", "pitch"])
@pytest.mark.parametrize("share", [0.6, -0.6])
def test_attributes_of_a_melody_are_reached_too(
    melody_bundle: Bundle, name: str, share: float
) -> None:
    networks = Networks(melody_bundle)
    column = melody_bundle.representation.attribute_names.index(name)
    misses = []
    for landmark in landmarks_in_the_middle(melody_bundle):
        lowest, highest = solved(melody_bundle, networks, landmark, {name: 1e3 * share}).reach[name]
        ask = share * abs(highest if share > 0 else lowest)
        solution = solved(melody_bundle, networks, landmark, {name: ask})
        change = (solution.achieved - solution.base)[column]
        heard = melody_bundle.representation.attributes(solution.frames)
        np.testing.assert_array_equal(heard, solution.achieved)
        assert solution.achieved[0] > 0 or name == "density"  # silence has no pitch
        misses.append(abs(change - ask) / (highest - lowest))
    assert len(misses) == 8
    assert np.median(misses) < 0.05


@pytest.mark.parametrize(
    ("asks", "words"),
    [({"pitch": 1.0}, "no attribute 'pitch'; choose"), ({"density": float("nan")}, "not a number")],
)
def test_impossible_asks_are_refused(
    bundle: Bundle, networks: Networks, asks: dict[str, float], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        solved(bundle, networks, 0, asks)
