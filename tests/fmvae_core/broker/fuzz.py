"""Nonsense for a broker: noise, mutilated messages, and right ones at the wrong time."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pythonosc.osc_message_builder import build_msg
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from fmvae_core.broker.protocol import (
    VERSION,
    Ask,
    Decline,
    Join,
    Reply,
    Serve,
)
from tests.fmvae_core.broker.rig import MODEL, answer_to, request

_EVERY = 500  # messages between two checks
_STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, -1e308, 2**70, "", "\0", "\u202e", "x" * 300, [], {}, [[]], [None],
)  # fmt: skip
_RIGHT = [
    json.loads(message.model_dump_json())
    for message in (
        Join(version=VERSION),
        Serve(version=VERSION, token="guess", model=MODEL),
        Ask(request=request()),
        Reply(job=1, answer=answer_to(request())),
        Decline(job=1, text="", remedy=""),
    )
]
_OSC = [
    build_msg("/flatjam/hello", [0, "main", "fuzz"]).dgram,
    build_msg("/flatjam/hit", [1.5, 0, 100]).dgram,
    build_msg("/flatjam/turn", [1, 120.0, 1]).dgram,
    build_msg("/flatjam/adventure", [6.0]).dgram,
    build_msg("/flatjam/bye", []).dgram,
]


async def fuzz(
    url: str, osc_port: int, count: int, seed: int, check: Callable[[int], object]
) -> int:
    """Send nonsense by WebSocket and OSC; call ``check`` now and then; return how much was sent."""
    dice = random.Random(seed)
    sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as osc:
        osc.connect(("127.0.0.1", osc_port))
        while sent < count:
            async with connect(url, proxy=None, compression=None, close_timeout=0.1) as wire:
                if dice.random() < 0.8:
                    await wire.send(Join(version=VERSION).model_dump_json())
                with suppress(ConnectionClosed):
                    while sent < count:
                        if sent % _EVERY == 0:
                            await asyncio.to_thread(check, sent)
                        sent += 1
                        if dice.random() < 0.3:
                            osc.send(_mutilated(dice.choice(_OSC), dice))
                        else:
                            await wire.send(_nonsense(dice))
    await asyncio.to_thread(check, sent)
    return sent


def _nonsense(dice: random.Random) -> str | bytes:
    message = dice.choice(_RIGHT)
    kind = dice.random()
    if kind < 0.5:
        return json.dumps(_changed(message, dice))
    if kind < 0.6:
        return json.dumps(message)
    if kind < 0.8:
        return _mutilated(json.dumps(message).encode(), dice).decode("utf-8", "replace")
    if kind < 0.9:
        return dice.randbytes(dice.randint(0, 200))
    return dice.choice(["[" * 5000, "{}", "null", '"', "1" * 5000, '{"kind":' * 500])


def _changed(value: Any, dice: random.Random) -> Any:
    """Return a copy of a JSON value in which something has become something else."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        copy = dict(value)
        key = dice.choice(list(copy))
        if dice.random() < 0.15:
            del copy[key]
        elif dice.random() < 0.15:
            copy[dice.choice(["kind", "more", ""])] = dice.choice(_STRANGE)
        else:
            copy[key] = _changed(copy[key], dice)
        return copy
    if isinstance(value, list) and value and dice.random() < 0.9:
        copies = list(value)
        index = dice.randrange(len(copies))
        copies[index] = _changed(copies[index], dice)
        return copies
    return dice.choice(_STRANGE)


def _mutilated(data: bytes, dice: random.Random) -> bytes:
    copy = bytearray(data)
    for _ in range(dice.randint(0, 4)):
        copy[dice.randrange(len(copy))] = dice.randrange(256)
    if dice.random() < 0.2:
        del copy[dice.randrange(len(copy)) :]
    return bytes(copy)
