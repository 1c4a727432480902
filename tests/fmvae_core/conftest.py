from __future__ import annotations

from pathlib import Path

import pytest

from fmvae_core.models.bundle import Bundle
from tests.factories import tiny_bundle, tiny_corpus


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle on disk; never write to it."""
    return tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="session")
def melody_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small bundle of four bars for the cello; never write to it."""
    folder = tmp_path_factory.mktemp("melodies") / "tiny-cello"
    return tiny_bundle(folder, representation="melody", bars=4)


@pytest.fixture(scope="session")
def corpus_folder(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """The corpus that `bundle`'s landmarks name; never write to it."""
    return tiny_corpus(tmp_path_factory.mktemp("corpus"), bundle)
