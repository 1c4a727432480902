"""GPUs of this machine, as NVIDIA's tool tells of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from fmvae_core.training.devices import Gpu, describe, gpus

needs_no_gpu = pytest.mark.skipif(
    torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU"
)


def tool(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program of the name of NVIDIA's first among all."""
    file = folder / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@needs_no_gpu
@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_gpu_that_torch_cannot_use_is_told_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, 'echo "NVIDIA RTX 3060, 10240, 12288"')
    assert gpus() == [Gpu("NVIDIA RTX 3060", 10 * 2**30, 12 * 2**30, False)]
    told = describe(gpus())
    assert "NVIDIA RTX 3060, 10.0 of 12.0 GB free" in told
    assert f"This torch ({torch.__version__}) cannot use it" in told
    assert "'make setup TORCH=cuda'" in told

    tool(tmp_path, monkeypatch, 'echo "NVIDIA Thor, [N/A], [N/A]"')
    assert describe(gpus()).startswith("NVIDIA Thor. This torch")


@needs_no_gpu
@pytest.mark.skipif(os.name == "nt", reason="a shell script")
def test_a_driver_that_does_not_answer_is_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool(tmp_path, monkeypatch, "echo broken; exit 9")
    assert gpus() == []
    assert describe([]) == "No GPU was found: training uses the CPU."


def test_a_gpu_that_can_be_used_is_told_without_a_command() -> None:
    told = describe([Gpu("NVIDIA H200", 139 * 2**30, 140 * 2**30, True)])
    assert told == "NVIDIA H200, 139.0 of 140.0 GB free. This torch can use it."
