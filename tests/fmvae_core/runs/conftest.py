from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fmvae_core.runs.processes import Runs


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    found = Runs(tmp_path)
    yield found
    found.close()
