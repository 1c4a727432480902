"""``flatjam learn-kit``: a drum map for a kit that has none."""

from __future__ import annotations

import queue
import threading
from typing import Annotated

import typer

_NOTE_ON = 0x90
_LOOK_SECONDS = 0.2


def learn_kit(
    name: Annotated[str, typer.Argument(help="What to call the drum map.")],
    midi_in: Annotated[str, typer.Option(help="Port of your kit, or a part of its name.")],
    base: Annotated[
        str, typer.Option(help="Map for what you do not hit: rims, edges.")
    ] = "general-midi",
) -> None:
    """Learn your kit: hit each pad once when it is asked for. Enter skips a drum you have not."""
    import sys

    from fmvae_core.live.midi_ports import MidiEvent, MidiPorts
    from fmvae_core.music.drums import DrumMapLearner, check_drum_map_title, drum_map, save_drum_map

    check_drum_map_title(name)
    learner = DrumMapLearner(drum_map(base))
    hits: queue.SimpleQueue[int | None] = queue.SimpleQueue()  # a pitch, or none to skip

    def receive(event: MidiEvent) -> None:
        status, pitch, velocity = (*event.data, 0, 0)[:3]
        if status & 0xF0 == _NOTE_ON and velocity:
            hits.put(pitch)

    def read_lines() -> None:
        for _ in sys.stdin:
            hits.put(None)

    ports = MidiPorts(receive)
    ports.choose(inputs=(midi_in,))
    threading.Thread(target=read_lines, daemon=True).start()
    try:
        was_missing = None
        asked = None
        while learner.wanted is not None:
            state = ports.state
            if state.is_known and was_missing != bool(state.missing):
                was_missing = bool(state.missing)
                there = ", ".join(state.inputs) or "none"
                if was_missing:
                    typer.echo(f"Waiting for the port '{midi_in}' (ports that are there: {there})")
            if was_missing is False and asked != learner.wanted:
                asked = learner.wanted
                typer.echo(f"Hit: {asked.title}   (Enter: I have none)")
            try:
                pitch = hits.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                continue
            if pitch is None:
                learner.skip()
            elif learner.hit(pitch):
                typer.echo(f"  note {pitch}")
    finally:
        ports.close()
    saved = save_drum_map(name, learner.categories)
    typer.echo(f"Learnt. Jam with --drum-map {saved.key}")
