from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fmvae_core.live.measure import EngineProcess
from fmvae_core.live.messages import EngineState
from fmvae_core.live.soundfonts import first_soundfont
from fmvae_core.live.synth import Synth
from tests.fmvae_core.live.jack import JackServer

StartEngine = Callable[..., EngineProcess]


@pytest.fixture(scope="session")
def soundfont() -> Path:
    return first_soundfont()


@pytest.fixture(scope="module")
def loaded(soundfont: Path) -> Iterator[Synth]:
    """A synth with its sounds, which takes a while; what a test changed in it stays changed."""
    synth = Synth(soundfont)
    yield synth
    synth.close()


@pytest.fixture
def jack_server() -> Iterator[JackServer]:
    with JackServer() as server:
        yield server


@pytest.fixture
def start_engine() -> Iterator[StartEngine]:
    """Start engine processes with additions to the environment; they end with the test."""
    with ExitStack() as stack:

        def start(
            environment: dict[str, str], linger: float = 5.0, sounds: bool = True
        ) -> EngineProcess:
            engine = EngineProcess({**os.environ, **environment}, linger)
            stack.enter_context(engine)
            if sounds:
                engine.client.wait_for(EngineState, lambda state: state.driver is not None)
            return engine

        yield start
