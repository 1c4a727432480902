from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fmvae_core.cluster.processes import Cluster


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A head and two workers; a test may kill them, and starts what it has killed again."""
    short = Path(tempfile.mkdtemp(prefix="fj-", dir="/tmp"))
    cluster = Cluster(tmp_path_factory.mktemp("cluster"), short)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_TOKEN", cluster.token)
        try:
            cluster.start_head()
            cluster.wait_for(1)
            cluster.start_worker(1)
            cluster.start_worker(2)
            cluster.wait_for(3)
            yield cluster
        finally:
            cluster.close()
