import os
import subprocess
import sys

import pytest

from fmvae_core.runs.environment import training_environment

_FAULTS = """
import resource, torch
def step():
    torch.stack([torch.ones(500_000) for _ in range(8)]).sum()
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def _faults(environment: dict[str, str]) -> int:
    """Return how many pages 20 steps took from the system."""
    said = subprocess.check_output([sys.executable, "-c", _FAULTS], env=environment, text=True)
    return int(said)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of glibc is Linux's")
def test_a_training_keeps_the_memory_of_its_last_step() -> None:
    assert _faults(training_environment()) < _faults(dict(os.environ)) / 4


def test_what_the_user_has_set_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.check=1")
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    environment = training_environment()
    assert environment["GLIBC_TUNABLES"] == "glibc.malloc.check=1"
    assert environment["OMP_WAIT_POLICY"] == "ACTIVE"
