"""``flatjam serve``: the broker between players and models, or a model for a broker elsewhere."""

from __future__ import annotations

import asyncio
import signal
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from fmvae_core.cli.options import DEFAULT_BUNDLE

if TYPE_CHECKING:
    from fmvae_core.broker.server import Doors

_LOOK_SECONDS = 0.25
_MOST_RESTARTS, _RESTARTS_SECONDS = 5, 60.0


def serve(
    bundle: Annotated[
        Path, typer.Argument(help="Folder of the bundle that answers.", show_default="drums-2bar")
    ] = DEFAULT_BUNDLE,
    host: Annotated[
        str, typer.Option(help="Address to listen at; another one needs a --token-file.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="For WebSockets.")] = 8735,
    osc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="For OSC by UDP (Max, Pure Data); 0 for none.")
    ] = 8736,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the token that clients need; made if it is not there."),
    ] = None,
    no_model: Annotated[
        bool, typer.Option("--no-model", help="Only the broker: models come from elsewhere.")
    ] = False,
    model_for: Annotated[
        str, typer.Option(metavar="URL", help="No broker: be a model for the one at ws://HOST.")
    ] = "",
    name: Annotated[str, typer.Option(help="Of the model, for --model-for.")] = "model",
) -> None:
    """Let players and models meet: section 4.4's central server. Ctrl-C ends."""
    from fmvae_core.broker.limits import make_token, read_token
    from fmvae_core.broker.server import Doors

    if model_for:
        if token_file is None:
            raise ValueError("a model needs the broker's token; give it with --token-file")
        _be_a_model(bundle, model_for, read_token(token_file), name)
        return
    if no_model and token_file is None:
        raise ValueError("models from elsewhere need a token; give the broker a --token-file")
    token = None
    if token_file is not None:
        is_new = not token_file.exists()
        token = make_token(token_file) if is_new else read_token(token_file)
        if is_new:
            _say(f"A new token is in {token_file}: whoever has it may come in")
    doors = Doors(host, port, osc_port or None, token)
    if not no_model:
        _check(bundle)
    asyncio.run(_serve(doors, None if no_model else bundle))


def _check(bundle: Path) -> None:
    from fmvae_core.models.bundle import Bundle

    opened = Bundle.open(bundle)
    if opened.representation.name != "drums":
        raise ValueError(f"{opened.name} plays no drums; choose a bundle of drums for a jam")


def _be_a_model(bundle: Path, url: str, token: str, name: str) -> None:
    from fmvae_core.broker.model import ModelSettings, serve_model

    serve_model(ModelSettings(url=url, token=token, bundle=bundle, name=name), _say)


async def _serve(doors: Doors, bundle: Path | None) -> None:
    from fmvae_core.broker.server import Broker

    loop = asyncio.get_running_loop()
    is_over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, is_over.set)
        except NotImplementedError:  # Windows: Ctrl-C ends it as it ends every command
            break
    async with Broker(doors, _say) as broker:
        host = f"[{doors.host}]" if ":" in doors.host else doors.host
        osc = "" if broker.osc_port is None else f", and for OSC at port {broker.osc_port}"
        _say(f"Listening at ws://{host}:{broker.port}{osc}; Ctrl-C ends")
        if bundle is None:
            await is_over.wait()
            return
        here = "127.0.0.1" if host in ("0.0.0.0", "localhost") else host
        here = "[::1]" if here == "[::]" else here
        keeper = _ModelKeeper(bundle, f"ws://{here}:{broker.port}", broker.model_token)
        try:
            await is_over.wait()
        finally:
            await asyncio.to_thread(keeper.close)


class _ModelKeeper:
    """Keeps a model of this machine at the broker; one that dies is started again."""

    def __init__(self, bundle: Path, url: str, token: str) -> None:
        self._config = {"bundle": str(bundle.resolve()), "url": url, "token": token, "name": "own"}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="model", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the model."""
        self._ending.set()
        self._thread.join()

    def _keep(self) -> None:
        from fmvae_core.files import cache_dir
        from fmvae_core.restarts import Restarts

        path = cache_dir() / "serve.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        restarts = Restarts(_MOST_RESTARTS, _RESTARTS_SECONDS)
        with path.open("w", encoding="utf-8") as log:
            while not self._ending.is_set():
                self._run(log)
                if not self._ending.is_set() and not restarts.allow():
                    _say(f"The model ends again and again; see {path}. The broker goes on without")
                    return

    def _run(self, log: IO[str]) -> None:
        from fmvae_core.live.measure import reap, start_process

        try:
            process = start_process("fmvae_core.broker.model", self._config, log=log)
        except (OSError, RuntimeError):
            return
        while process.poll() is None and not self._ending.wait(_LOOK_SECONDS):
            pass
        if process.poll() is None:
            process.kill()  # it holds nothing that has to be closed
        reap(process)


def _say(text: str) -> None:
    print(text, flush=True)
