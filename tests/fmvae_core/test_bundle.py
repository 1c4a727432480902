from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fmvae_core.data.sources import attribution
from fmvae_core.files import resource
from fmvae_core.models import bundle_files
from fmvae_core.models.bundle import Bundle, BundleError, write_bundle
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.instruments import CELLO, PIANO
from fmvae_core.music.melody_representation import MelodyRepresentation
from fmvae_core.music.representation import Representation
from tests.factories import tiny_bundle

MEGABYTE = 2**20


def parts(bundle: Bundle) -> dict[str, Any]:
    """Return what `write_bundle` takes to write the same bundle again."""
    return {
        "name": bundle.name,
        "bars": bundle.bars,
        "model_config": bundle.model_config,
        "weights": bundle.weights(),
        "thresholds": bundle.thresholds,
        "landmarks": bundle.landmarks,
        "attribute_vectors": bundle.attribute_vectors,
        "pca": bundle.pca,
        "card": bundle.card,
    }


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the small bundle, to be damaged."""
    return Path(shutil.copytree(bundle.path, tmp_path / "copy"))


def test_what_was_written_is_read(bundle: Bundle, tmp_path: Path) -> None:
    landmarks = bundle.landmarks
    again = write_bundle(tmp_path / "again", **parts(bundle))
    assert again.path == tmp_path / "again"
    assert (again.name, again.bars, again.latent_dim) == ("tiny", 2, 8)
    assert again.model_config == bundle.model_config
    assert again.card == bundle.card
    np.testing.assert_allclose(again.thresholds, bundle.thresholds)
    for field in dataclasses.fields(landmarks):
        written, read = getattr(landmarks, field.name), getattr(again.landmarks, field.name)
        np.testing.assert_array_equal(written, read)
    assert len(again.landmarks) == 200
    assert again.landmarks.z.dtype == np.float32
    assert again.representation == DrumRepresentation(2)
    assert (again.corpus, again.instrument) == ("groove", PIANO)
    assert list(again.attribute_vectors) == ["density", "velocity", "offset"]
    for name, vector in bundle.attribute_vectors.items():
        np.testing.assert_array_equal(again.attribute_vectors[name], vector)
    np.testing.assert_array_equal(again.pca.project(landmarks.z), bundle.pca.project(landmarks.z))
    for name, weights in bundle.weights().items():
        np.testing.assert_array_equal(again.weights()[name], weights)
    assert again.sha256 == bundle.sha256


def test_a_melody_bundle_is_written_and_read(melody_bundle: Bundle, tmp_path: Path) -> None:
    without_thresholds = {k: v for k, v in parts(melody_bundle).items() if k != "thresholds"}
    again = write_bundle(tmp_path / "again", **without_thresholds)
    assert again.sha256 == melody_bundle.sha256
    assert again.representation == MelodyRepresentation(4)
    assert again.bars == 4
    assert again.thresholds.shape == (0,)
    assert list(again.attribute_vectors) == ["density", "pitch"]
    assert (again.corpus, again.instrument) == ("cello_suites", CELLO)
    landmarks = again.landmarks
    assert landmarks.attributes.shape == (len(landmarks), 2)
    assert 40 < landmarks.attributes[:, 1].mean() < 90


def test_a_melody_has_no_thresholds(melody_bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="melody need 0 thresholds, not 9"):
        write_bundle(tmp_path / "b", **{**parts(melody_bundle), "thresholds": np.full(9, 0.5)})
    assert list(tmp_path.iterdir()) == []


def test_a_card_need_not_name_its_corpus(bundle: Bundle, tmp_path: Path) -> None:
    for number, card in enumerate(({}, {"data": "groove"}, {"data": {}})):
        opened = write_bundle(tmp_path / str(number), **{**parts(bundle), "card": card})
        assert (opened.corpus, opened.instrument) == ("", PIANO)


@pytest.mark.parametrize(
    ("name", "music", "latents", "corpus"),
    [
        ("drums-2bar", DrumRepresentation(2), 32, "groove"),
        ("drums-2bar-musicvae", DrumRepresentation(2), 32, "groove"),
        ("drums-4bar", DrumRepresentation(4), 32, "groove"),
        ("piano-2bar", MelodyRepresentation(2), 64, "ryans_mammoth"),
        ("cello-4bar", MelodyRepresentation(4), 64, "cello_suites"),
    ],
)
def test_a_shipped_bundle_is_whole_and_small(
    name: str, music: Representation, latents: int, corpus: str
) -> None:
    folder = resource("models", name)
    opened = Bundle.open(folder)
    assert opened.representation == music
    assert (opened.latent_dim, opened.corpus) == (latents, corpus)
    assert opened.thresholds.shape == (9 if music.name == "drums" else 0,)
    stored = load_file(folder / bundle_files.WEIGHTS).values()
    assert {array.dtype for array in stored} == {np.dtype(np.float16)}
    assert all(np.isfinite(array).all() for array in opened.weights().values())
    assert opened.card["equal_in_float16"] >= 0.999
    assert {"test", "smoothness", "attributes", "geometry", "data", "notes"} <= set(opened.card)
    assert opened.card["data"]["licence"] == attribution(corpus)
    assert max(file.stat().st_size for file in folder.iterdir()) < 15 * MEGABYTE


def test_the_shipped_bundles_are_small_together() -> None:
    files = [file for file in resource("models").rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 40 * MEGABYTE


def test_hash_is_that_of_the_model_and_not_of_its_card(bundle: Bundle, tmp_path: Path) -> None:
    revised = write_bundle(tmp_path / "a", **{**parts(bundle), "card": {"size": "other"}})
    assert revised.sha256 == bundle.sha256
    weights = {name: 2 * array for name, array in bundle.weights().items()}
    other = write_bundle(tmp_path / "b", **{**parts(bundle), "weights": weights})
    assert other.sha256 != bundle.sha256


def test_opens_without_torch(bundle: Bundle) -> None:
    code = (
        "import sys; from fmvae_core.models.bundle import Bundle; Bundle.open(sys.argv[1]);"
        "print([m for m in ('torch', 'sklearn', 'scipy', 'mido') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(bundle.path)], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_files_can_be_read_by_others(bundle: Bundle) -> None:
    modes = {file.stat().st_mode & 0o777 for file in bundle.path.iterdir()}
    assert len(modes) == 1


def test_an_existing_bundle_is_replaced(bundle: Bundle, tmp_path: Path) -> None:
    tiny_bundle(tmp_path / "b", n_landmarks=50, seed=1)
    write_bundle(tmp_path / "b", **parts(bundle))
    assert len(Bundle.open(tmp_path / "b").landmarks) == 200
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_an_existing_bundle_survives_a_failed_write(copy: Path, bundle: Bundle) -> None:
    weights = {**bundle.weights(), "encoder.head.bias": np.array([1e30], np.float32)}
    with pytest.raises(BundleError, match=r"encoder\.head\.bias.*float16"):
        write_bundle(copy, **{**parts(bundle), "weights": weights})
    landmarks = dataclasses.replace(bundle.landmarks, z=bundle.landmarks.z * 1e6)
    with pytest.raises(BundleError, match="'z'"):
        write_bundle(copy, **{**parts(bundle), "landmarks": landmarks})
    assert Bundle.open(copy).sha256 == bundle.sha256
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def test_an_existing_bundle_survives_a_failed_swap(
    copy: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace = bundle_files.os.replace

    def failing(source: Path, target: Path) -> None:
        if target == copy and source.name.endswith(".part"):
            raise OSError("the disk is gone")
        replace(source, target)

    monkeypatch.setattr(bundle_files.os, "replace", failing)
    with pytest.raises(OSError, match="the disk is gone"):
        write_bundle(copy, **{**parts(bundle), "card": {"size": "other"}})
    assert Bundle.open(copy).card == bundle.card
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]


def test_nothing_but_a_bundle_is_replaced(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match="not a bundle; choose another folder"):
        write_bundle(tmp_path, **parts(bundle))
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"thresholds": np.full(8, 0.5)}, "thresholds"),
        ({"thresholds": np.full(9, np.nan)}, "thresholds"),
        ({"attribute_vectors": {"density": np.ones(8)}}, "attribute vectors"),
        ({"model_config": {"representation": "motion"}}, "no representation 'motion'"),
        ({"model_config": {"representation": "melody"}}, "attribute vectors density, pitch"),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    bundle: Bundle, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        write_bundle(tmp_path / "b", **{**parts(bundle), **change})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"style": np.zeros(3, np.int32)}, "'style' has shape"),
        ({"style": np.full(200, 6, np.int32)}, "'style' points outside"),
        ({"performance": np.full(200, -1, np.int32)}, "'performance' points outside"),
        ({"bar": np.full(200, -1, np.int32)}, "bar is negative"),
        ({"attributes": np.zeros((199, 3), np.float32)}, "attributes have shape"),
        ({"attributes": np.zeros(200, np.float32)}, "attributes have shape"),
        ({"tempo": np.full(200, np.inf, np.float32)}, "'tempo' holds"),
        ({"z": np.zeros((0, 8), np.float32)}, "latents of shape"),
    ],
)
def test_landmarks_that_do_not_fit_are_refused(
    bundle: Bundle, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(bundle.landmarks, **change)


def edit_manifest(path: Path, **fields: Any) -> None:
    file = path / "bundle.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))


def edit_landmarks(path: Path, **tensors: np.ndarray | None) -> None:
    """Change tensors so that only their content, not their checksum, gives them away."""
    file = path / "landmarks.safetensors"
    changed = {**load_file(file), **tensors}
    save_file({key: value for key, value in changed.items() if value is not None}, file)
    edit_manifest(path, landmarks_sha256=bundle_files.sha256(file))


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def flip_a_bit(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, "does not exist; choose the folder of a bundle"),
        (lambda p: (p / "bundle.json").unlink(), "is not a bundle: it has no bundle.json"),
        (lambda p: (p / "bundle.json").write_text("{"), "damaged"),
        (lambda p: (p / "bundle.json").write_bytes(b"\xff\xfe"), "damaged"),
        (lambda p: (p / "bundle.json").write_text("[]"), "not a Flatjam bundle"),
        (lambda p: edit_manifest(p, format="other"), "not a Flatjam bundle"),
        (lambda p: edit_manifest(p, format_version=2), "format 2.*update Flatjam"),
        (lambda p: edit_manifest(p, format_version="one"), "damaged .*format_version"),
        (lambda p: edit_manifest(p, representation="motion"), "'motion'.*plays drums and melody"),
        (lambda p: edit_manifest(p, representation="melody"), "damaged .*attributes of melody"),
        (lambda p: edit_manifest(p, representation=1), "damaged .*representation"),
        (lambda p: edit_manifest(p, thresholds=[0.5] * 8), "damaged .*thresholds"),
        (lambda p: edit_manifest(p, latent_dim=9), "damaged .*dimensions"),
        (lambda p: edit_manifest(p, attributes=["pitch"]), "damaged .*attributes"),
        (lambda p: edit_manifest(p, performances=["one.mid"]), "damaged .*'performance' points"),
        (lambda p: truncate(p / "landmarks.safetensors"), "not what was written"),
        (lambda p: flip_a_bit(p / "landmarks.safetensors"), "not what was written"),
        (lambda p: (p / "landmarks.safetensors").unlink(), "damaged"),
        (lambda p: truncate(p / "weights.safetensors"), "damaged"),
        (lambda p: (p / "weights.safetensors").unlink(), "damaged"),
        (lambda p: (p / "weights.safetensors").write_bytes(b"\x80\x04pickle"), "damaged"),
        (lambda p: (p / "card.json").unlink(), "damaged .*card.json"),
        (lambda p: (p / "card.json").write_text("[]"), "damaged .*card.json"),
        (lambda p: edit_landmarks(p, z=None), "lacks 'z'"),
        (lambda p: edit_landmarks(p, attributes=np.zeros((200, 2), np.float32)), "2 attributes"),
        (lambda p: edit_landmarks(p, style=np.zeros(200, np.float32)), "lacks 'style' as int32"),
        (lambda p: edit_landmarks(p, z=np.full((200, 8), np.nan, np.float16)), "'z' holds"),
        (lambda p: edit_landmarks(p, tempo=np.zeros(3, np.float32)), "'tempo' has shape"),
        (lambda p: edit_landmarks(p, pca_mean=np.zeros(9, np.float32)), "does not belong"),
        (lambda p: edit_landmarks(p, pca_mean=np.full(8, np.nan, np.float32)), "not numbers"),
        (lambda p: edit_landmarks(p, attribute_vectors=np.ones((3, 9), np.float32)), "vectors"),
    ],
)
def test_what_is_no_whole_bundle_is_refused(
    copy: Path, damage: Callable[[Path], object], words: str
) -> None:
    damage(copy)
    with pytest.raises(BundleError, match=words):
        Bundle.open(copy)


def test_damaged_weights_are_found_when_they_are_loaded(copy: Path) -> None:
    flip_a_bit(copy / "weights.safetensors")
    opened = Bundle.open(copy)
    with pytest.raises(BundleError, match="not what was written"):
        opened.weights()


def test_weights_that_are_not_numbers_are_refused(copy: Path) -> None:
    file = copy / "weights.safetensors"
    weights = load_file(file)
    weights["encoder.head.bias"][0] = np.nan
    save_file(weights, file)
    edit_manifest(copy, weights_sha256=bundle_files.sha256(file))
    with pytest.raises(BundleError, match=r"encoder\.head\.bias.*not finite"):
        Bundle.open(copy).weights()
