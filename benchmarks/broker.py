"""The broker on loopback: what it adds to an answer, alone, among fifty, and after nonsense."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import tempfile
from pathlib import Path
from typing import Any

from fmvae_core.live.measure import Summary
from tests.fmvae_core.broker.fuzz import fuzz
from tests.fmvae_core.broker.rig import Command, Guest, free_port, play_turns

_ALONE = 400
_PLAYERS = 50
_TURNS = 8
_FUZZED = 100_000


def measure() -> dict[str, Any]:
    """Return what the broker adds, in milliseconds: the player's wait less the model's own time.

    ``flatjam serve`` runs with its own model, the shipped bundle. ``broker_ms_*`` is that of one
    player; ``broker_50_ms_p99`` that of fifty who ask about every two seconds, in ten rooms, the
    wait for the one model while it answers others included. ``broker_fuzzed`` is how many
    messages of nonsense were sent after that, and ``broker_fuzzed_ms_p99`` is measured again once
    they have been.
    """
    osc_port = free_port(socket.SOCK_DGRAM)
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", "0", "--osc-port", str(osc_port)]
        with Command(Path(folder), "-m", "fmvae_core.cli", "serve", *options) as broker:
            found = re.search(r"ws://\S+:\d+", broker.wait_for("Listening"))
            assert found is not None
            url = found[0]
            broker.wait_for("own with drums-2bar")
            asyncio.run(play_turns(url, "warm up", 20))
            alone = Summary.of(asyncio.run(_alone(url)))
            among = Summary.of(asyncio.run(_among(url)))
            with Guest.player(url, room="good") as good:
                fuzzed = asyncio.run(fuzz(url, osc_port, _FUZZED, seed=0, check=good.ask))
            after = Summary.of(asyncio.run(_alone(url)))
    return {
        "broker_ms_p50": 1000 * alone.p50,
        "broker_ms_p99": 1000 * alone.p99,
        "broker_50_ms_p99": 1000 * among.p99,
        "broker_fuzzed": fuzzed,
        "broker_fuzzed_ms_p99": 1000 * after.p99,
    }


async def _alone(url: str) -> list[float]:
    return await play_turns(url, "alone", _ALONE, pause=0.06)


async def _among(url: str) -> list[float]:
    dice = random.Random(0)

    async def play(number: int) -> list[float]:
        await asyncio.sleep(dice.uniform(0.0, 2.0))
        return await play_turns(url, f"room {number % 10}", _TURNS, pause=dice.uniform(1.8, 2.2))

    waits = await asyncio.gather(*(play(number) for number in range(_PLAYERS)))
    return [wait for each in waits for wait in each]
