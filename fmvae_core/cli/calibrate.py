"""``flatjam calibrate``: how late a kit's hits come."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from fmvae_core.cli.options import SoundFont

_LOOK_SECONDS = 0.05


def calibrate(
    midi_in: Annotated[str, typer.Option(help="Port of your kit, or a part of its name.")],
    tempo: Annotated[
        float, typer.Option(min=40.0, max=200.0, help="Of the click, in beats a minute.")
    ] = 100.0,
    hits: Annotated[int, typer.Option(min=4, max=200, help="How many hits to take.")] = 16,
    soundfont: SoundFont = None,
) -> None:
    """Measure the latency of your kit: tap along with the click. `flatjam jam` then knows it."""
    from fmvae_core.files import cache_dir
    from fmvae_core.jam.latencies import save_latency
    from fmvae_core.live.jam_messages import JamProblem, MidiPortsState, SetMidi
    from fmvae_core.live.measure import EngineProcess
    from fmvae_core.live.messages import EngineState, SetSound
    from fmvae_core.live.midi_ports import VIRTUAL_PORT
    from fmvae_core.live.sync_messages import CalibrationState, StartCalibration

    log = cache_dir() / "calibrate.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file, EngineProcess(log=file) as engine:
        client = engine.client
        if soundfont is not None:
            client.send(SetSound(soundfont=str(soundfont)))
        client.wait_for(EngineState, lambda state: state.driver is not None or bool(state.problems))
        client.send(SetMidi(inputs=(midi_in,)))
        ports = client.wait_for(MidiPortsState, lambda state: state.is_known)
        if ports.missing:
            there = ", ".join(ports.inputs) or "none"
            raise ValueError(f"there is no MIDI port '{midi_in}'; ports that are there: {there}")
        client.send(StartCalibration(tempo=tempo, hits=hits))
        typer.echo("Tap along with the click, on any pad. Ctrl-C ends.")
        last = CalibrationState(is_running=True)
        while last.is_running:
            time.sleep(_LOOK_SECONDS)
            if engine.process.poll() is not None:
                raise ValueError("the engine has ended; calibrate again")
            for message in client.drain():
                if isinstance(message, EngineState):
                    for problem in message.problems:
                        raise ValueError(f"{problem.text} {problem.remedy}")
                elif isinstance(message, JamProblem):
                    raise ValueError(f"{message.text} {message.remedy}")
                elif isinstance(message, CalibrationState):
                    last = message
                    if message.median_ms is not None:
                        typer.echo(
                            f"hit {message.hits:2}: {message.median_ms:+6.1f} ms"
                            f"   spread {message.spread_ms:.1f} ms"
                        )
    if not last.is_done or last.median_ms is None:
        raise ValueError(
            f"too few hits came; check that --midi-in {midi_in} is your kit (flatjam jam "
            "--list-ports), and tap along again"
        )
    device = midi_in if last.port == VIRTUAL_PORT else last.port
    save_latency(device, last.median_ms)
    typer.echo(f"{device}: {last.median_ms:+.0f} ms. A jam with this kit takes it into account.")
