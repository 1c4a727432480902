"""UMAP in its own process, with the real library on a tiny bundle, and the file it leaves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.messages import (
    FIT_EVENTS,
    FitEvent,
    Fitted,
    Fitting,
    FitUmap,
    NotFitted,
)
from fmvae_core.projection.umap_file import UmapPlaces, read_umap, umap_file, write_umap
from tests.factories import tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")


def fit(bundle: Bundle, sha256: str = "", before: str = "") -> list[FitEvent]:
    """Run the process to its end, after a piece of Python, and return what it told."""
    request = FitUmap(bundle=bundle.path, sha256=sha256 or bundle.sha256)
    code = f"{before}\nimport runpy; runpy.run_module('fmvae_core.projection', run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=request.model_dump_json() + "\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [FIT_EVENTS.validate_json(line) for line in done.stdout.splitlines()]


def test_it_is_fitted_in_a_process_that_tells_how_far_it_is(bundle: Bundle) -> None:
    assert read_umap(bundle) is None
    told = fit(bundle)
    assert told[-1] == Fitted()
    steps = [event for event in told if isinstance(event, Fitting)]
    assert len(steps) == len(told) - 1
    assert list(dict.fromkeys(step.stage for step in steps)) == [
        "starting",
        "neighbours",
        "preparing",
        "epochs",
    ]
    epochs = [step.done for step in steps if step.stage == "epochs"]
    assert epochs == sorted(epochs)
    assert epochs[-1] == steps[-1].total > 100

    umap = read_umap(bundle)
    assert umap is not None
    assert umap.fitted == 200
    # Near stays near: in UMAP a landmark's ten nearest are its own far more often than by chance.
    shared = agreement(bundle.landmarks.z, umap.places)
    assert shared > 5 * 10 / 200
    # No scratch file is left beside it.
    assert list(umap_file(bundle.sha256).parent.iterdir()) == [umap_file(bundle.sha256)]


def agreement(z: np.ndarray, places: np.ndarray) -> float:
    """Return the share of ten nearest neighbours that two sets of places have in common."""
    nearest = [
        np.argsort(((x[:, None] - x[None]) ** 2).sum(axis=2), axis=1)[:, 1:11] for x in (z, places)
    ]
    return float(np.mean([len(np.intersect1d(a, b)) / 10 for a, b in zip(*nearest, strict=True)]))


def test_where_there_are_many_some_are_fitted_the_others_placed_and_all_is_repeatable() -> None:
    code = """
import numpy as np
from fmvae_core.projection.umap_fit import fit_umap
z = np.random.default_rng(1).normal(size=(300, 8)).astype(np.float32)
umap = fit_umap(z, z[:, :3], lambda *progress: None, limit=100)
assert umap.fitted == 100 and umap.places.shape == (300, 3)
assert umap.places.dtype == np.float32 and np.isfinite(umap.places).all()
assert len(np.unique(umap.places, axis=0)) == 300
again = fit_umap(z, z[:, :3], lambda *progress: None, limit=100)
assert (again.places == umap.places).all()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_missing_library_says_what_to_do(bundle: Bundle) -> None:
    told = fit(bundle, before="import sys; sys.modules['umap'] = None")
    assert isinstance(told[-1], NotFitted)
    assert "pip install" in told[-1].reason
    assert read_umap(bundle) is None


def test_another_bundle_in_the_same_folder_is_refused(bundle: Bundle) -> None:
    told = fit(bundle, sha256="0" * 64)
    assert isinstance(told[-1], NotFitted)
    assert "open it again" in told[-1].reason


def test_a_request_that_cannot_be_read_ends_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fmvae_core.projection"],
        input="{}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "what to fit" in done.stderr


def test_a_file_of_no_use_counts_as_none(
    bundle: Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    places = np.arange(600, dtype=np.float32).reshape(200, 3)
    write_umap(bundle, UmapPlaces(places, 150))
    umap = read_umap(bundle)
    assert umap is not None
    assert umap.fitted == 150
    np.testing.assert_array_equal(umap.places, places)

    file = umap_file(bundle.sha256)
    whole = file.read_bytes()
    for broken in (b"", whole[:100], b"x" * len(whole)):
        file.write_bytes(broken)
        assert read_umap(bundle) is None
    assert caplog.text.count("must be fitted anew") == 3
    write_umap(bundle, UmapPlaces(places[:-1], 150))
    assert read_umap(bundle) is None
    write_umap(bundle, UmapPlaces(np.full((200, 3), np.nan, np.float32), 150))
    assert read_umap(bundle) is None
    # A file of another bundle that was put in its place.
    other = tiny_bundle(tmp_path / "other", seed=1)
    write_umap(other, UmapPlaces(places, 200))
    umap_file(other.sha256).replace(file)
    assert read_umap(bundle) is None
