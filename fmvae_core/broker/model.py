"""``python -m fmvae_core.broker.model``: a model that answers for a broker, here or elsewhere.

Reads one JSON line from standard input, prints "ready", and answers until standard input ends.
"""

from __future__ import annotations

import os

# Before torch is loaded: beside other processes, threads that wait by spinning cost a hundredfold.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import asyncio
import logging
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidURI, WebSocketException

from fmvae_core.broker.limits import MAX_MESSAGE_BYTES
from fmvae_core.broker.protocol import (
    FROM_BROKER,
    VERSION,
    Decline,
    ModelInfo,
    Problem,
    Reply,
    Serve,
    Welcome,
    Work,
)
from fmvae_core.inference.partner import MachinePlayer

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
_PING_SECONDS = 5.0


class ModelSettings(BaseModel):
    """The line on standard input: where the broker is, and what to answer with."""

    url: str
    token: str
    bundle: Path
    name: str = "model"


def serve_model(settings: ModelSettings, say: Callable[[str], None] = log.info) -> None:
    """Answer what a broker asks, for ever; one that goes away is looked for again.

    Raises
    ------
    ValueError
        If the bundle plays no drums, or the broker refuses this model.
    """
    import torch

    from fmvae_core.inference.networks import Networks
    from fmvae_core.models.bundle import Bundle

    torch.set_num_threads(1)
    bundle = Bundle.open(settings.bundle)
    if bundle.representation.name != "drums":
        raise ValueError(
            f"{bundle.name} plays no drums, and a broker's players do; choose a bundle of drums"
        )
    machine = MachinePlayer(bundle, Networks(bundle))
    title = re.sub(r"[^\w .'-]", " ", bundle.name)[:40] or "model"
    hello = Serve(
        version=VERSION,
        name=settings.name,
        token=settings.token,
        model=ModelInfo(title=title, bundle=bundle.sha256, bars=bundle.bars),
    )
    asyncio.run(_serve(settings.url, hello, machine, say))


async def _serve(
    url: str, hello: Serve, machine: MachinePlayer, say: Callable[[str], None]
) -> NoReturn:
    is_told = False
    while True:
        try:
            async with connect(
                url,
                proxy=None,
                compression=None,
                max_size=2 * MAX_MESSAGE_BYTES,  # a request, and what the broker puts around it
                ping_interval=_PING_SECONDS,
                ping_timeout=_PING_SECONDS,
                close_timeout=1.0,
            ) as wire:
                await wire.send(hello.model_dump_json())
                async for text in wire:
                    message = FROM_BROKER.validate_json(text)
                    if isinstance(message, Welcome):
                        say(f"Answers for {url}")
                        is_told = False
                    elif isinstance(message, Problem):
                        if message.is_end:
                            raise ValueError(f"{message.text}; {message.remedy}")
                        log.warning("the broker says: %s. %s", message.text, message.remedy)
                    elif isinstance(message, Work):
                        await wire.send(_work(machine, message).model_dump_json())
            why = "it has hung up"
        except InvalidURI:
            raise ValueError(f"'{url}' is no ws:// or wss:// address") from None
        except (OSError, TimeoutError, WebSocketException) as error:
            why = str(error)
        if not is_told:
            say(f"The broker at {url} is not there ({why}); looking for it again")
            is_told = True
        await asyncio.sleep(RETRY_SECONDS)


def _work(machine: MachinePlayer, work: Work) -> Reply | Decline:
    try:
        return Reply(job=work.job, answer=machine.answer(work.request))
    except ValueError as error:
        text, _, remedy = str(error).partition("; ")
    except Exception as error:  # a defect of ours: told and logged, and the model lives on
        log.exception("could not answer")
        text, remedy = f"the model failed ({error!r})", "try again"
    return Decline(job=work.job, text=text[:500], remedy=remedy[:500] or "change the request")


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)  # nothing is open that has to be closed


def main() -> int:
    """Answer for a broker; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="model: %(message)s")
    try:
        settings = ModelSettings.model_validate_json(sys.stdin.readline())
    except ValidationError as error:
        print(f"expected one line of JSON: {error}", file=sys.stderr)
        return 2
    print("ready", flush=True)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    try:
        serve_model(settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
