"""``python -m fmvae_core.inference``: the model worker process.

Reads one JSON line from standard input that says where to listen, prints "ready" once it does, and
then loads the bundle.
"""

from __future__ import annotations

import os

# Before torch is loaded: beside other processes, threads that wait by spinning cost a hundredfold.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import logging
import signal
import sys
from pathlib import Path

from pydantic import BaseModel, ValidationError

from fmvae_core.inference.messages import SetBroker
from fmvae_core.ipc import Endpoint


class EndpointSettings(BaseModel):
    """Address and key of an endpoint."""

    address: str
    key: str

    def endpoint(self) -> Endpoint:
        """Return the endpoint."""
        return Endpoint(self.address, self.key)


class WorkerSettings(EndpointSettings):
    """The line on standard input."""

    engine: EndpointSettings | None = None
    bundle: str | None = None
    corpus: Path | None = None
    broker: SetBroker | None = None


def main() -> int:
    """Run the model worker; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="model worker: %(message)s")
    try:
        settings = WorkerSettings.model_validate_json(sys.stdin.readline())
    except ValidationError as error:
        print(f"expected one line of JSON with address and key: {error}", file=sys.stderr)
        return 2

    import torch

    from fmvae_core.inference.worker import ModelWorker
    from fmvae_core.live.priority import ANSWERER, lock_memory, raise_priority

    torch.set_num_threads(1)
    raise_priority(ANSWERER)  # before there are threads, which all get it
    lock_memory()
    engine = settings.engine.endpoint() if settings.engine else None
    worker = ModelWorker(settings.endpoint(), engine, settings.corpus)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: worker.end())
    print("ready", flush=True)
    worker.run(settings.bundle, settings.broker)
    return 0


if __name__ == "__main__":
    sys.exit(main())
