"""Snapshots of a space that forms, as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fmvae_core.runs import snapshots
from fmvae_core.runs.snapshots import SpaceMarks


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert snapshots.read_marks(tmp_path) is None
    assert snapshots.snapshot_steps(tmp_path) == []
    random = np.random.default_rng(0)
    attributes = random.normal(size=(5, 2)).astype(np.float32)
    marks = SpaceMarks(attributes, ("density", "pitch"), tuple("abcab"), "melody")
    snapshots.write_marks(tmp_path, marks)
    z = random.normal(size=(5, 4)).astype(np.float32)
    for step in (0, 500, 12_000):
        snapshots.write_snapshot(tmp_path, step, z + step)

    read = snapshots.read_marks(tmp_path)
    assert read is not None
    assert (read.names, read.styles, read.representation) == (
        marks.names,
        marks.styles,
        "melody",
    )
    np.testing.assert_array_equal(read.attributes, attributes)
    assert snapshots.snapshot_steps(tmp_path) == [0, 500, 12_000]
    found = snapshots.read_snapshot(tmp_path, 0)
    assert found is not None
    np.testing.assert_allclose(found, z, atol=2e-3)

    snapshots.drop_snapshots(tmp_path, after=500)
    assert snapshots.snapshot_steps(tmp_path) == [0, 500]


def test_broken_files_are_none(tmp_path: Path) -> None:
    folder = tmp_path / snapshots.FOLDER
    folder.mkdir()
    (folder / "phrases.safetensors").write_bytes(b"broken")
    (folder / "step-00000010.safetensors").write_bytes(b"")
    assert snapshots.read_marks(tmp_path) is None
    assert snapshots.read_snapshot(tmp_path, 10) is None
    assert snapshots.read_snapshot(tmp_path, 20) is None
