"""``flatjam jam``: trade bars with the machine, without a window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fmvae_core.cli.options import DEFAULT_BUNDLE, BundlePath, SoundFont

if TYPE_CHECKING:
    from rich.console import Console

    from fmvae_core.inference.messages import SetBroker
    from fmvae_core.live.measure import EngineClient


def jam(
    bundle: BundlePath = DEFAULT_BUNDLE,
    midi_in: Annotated[
        list[str] | None,
        typer.Option(
            help="Port of your kit or keyboard, or part of its name; all of one interface if none."
        ),
    ] = None,
    midi_out: Annotated[str, typer.Option(help="Port for the machine to play to, too.")] = "",
    list_ports: Annotated[
        bool, typer.Option("--list-ports", help="Only list the MIDI ports that are there.")
    ] = False,
    drum_map: Annotated[str, typer.Option(help="Your kit.")] = "general-midi",
    pedal_hi_hat: Annotated[
        bool,
        typer.Option("--pedal-hi-hat", help="The pedal says whether the hi-hat is open."),
    ] = False,
    mode: Annotated[
        Literal["trade", "machine_first", "continuous", "hold"],
        typer.Option(help="Who plays when."),
    ] = "trade",
    tempo: Annotated[float, typer.Option(min=40.0, max=240.0, help="Beats a minute.")] = 100.0,
    adventure: Annotated[
        float,
        typer.Option(min=0.0, max=32.0, help="Hits or notes in which an answer is to differ."),
    ] = 6.0,
    pull_to: Annotated[
        str, typer.Option(metavar="STYLE", help="A style that answers are pulled to, such as jazz.")
    ] = "",
    pull: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How far towards it, 0 to 1.")
    ] = 0.0,
    momentum: Annotated[
        float, typer.Option(min=0.0, max=2.0, help="How far on in your own direction, in steps.")
    ] = 0.0,
    ask: Annotated[
        list[str] | None,
        typer.Option(help="Answers that differ from you: density=6, velocity=0.1, offset=0.2."),
    ] = None,
    repeat: Annotated[
        bool, typer.Option("--repeat", help="Answers may be the same as the last ones.")
    ] = False,
    click: Annotated[bool, typer.Option(help="Click after the count-in, too.")] = True,
    own_sound: Annotated[
        bool, typer.Option("--own-sound", help="My kit has its own sound: stay silent for me.")
    ] = False,
    sound: Annotated[
        list[str] | None,
        typer.Option(
            help="How a player sounds: human.reverb=0.3, machine.kit=8, machine.soundfont=FILE, "
            "level, pan, and machine.follow=1 to be as loud as you play."
        ),
    ] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(
            help="Where click, human or machine is heard: click=left; with JACK, which has four "
            "pairs, click=2 or machine=3:right."
        ),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(
            help="What a pad, pedal or knob does: start_stop=cc:64, tap=note:37, adventure=cc:21; "
            "docs/jam.md lists all. With one for start_stop, the jam waits for it."
        ),
    ] = None,
    latency: Annotated[
        float | None,
        typer.Option(
            min=-500.0,
            max=500.0,
            help="From a sound to your hit on it, in ms; as flatjam calibrate measured it if none.",
        ),
    ] = None,
    output_latency: Annotated[
        float, typer.Option(min=0.0, max=500.0, help="The part of it until you hear the sound.")
    ] = 0.0,
    follow: Annotated[
        Literal["own", "midi", "link"],
        typer.Option(help="Whose beats the jam follows: its own, a MIDI clock's, Ableton Link's."),
    ] = "own",
    wait: Annotated[
        bool, typer.Option("--wait", help="Begin with the clock's start, a control or OSC.")
    ] = False,
    send_clock: Annotated[
        bool, typer.Option("--send-clock", help="Send a MIDI clock to the port of --midi-out.")
    ] = False,
    osc_port: Annotated[
        int, typer.Option(min=0, max=65535, help="UDP port for OSC; none if 0.")
    ] = 0,
    osc_peer: Annotated[
        str, typer.Option(help="HOST:PORT that is told of the jam by OSC, and may steer it.")
    ] = "",
    journal: Annotated[
        Path | None, typer.Option(help="File for the take's journal (.jsonl); none if none.")
    ] = None,
    broker: Annotated[
        str, typer.Option(metavar="URL", help="A broker's model answers, where it is in time.")
    ] = "",
    broker_token_file: Annotated[
        Path | None, typer.Option(help="File with the broker's token, if it wants one.")
    ] = None,
    room: Annotated[str, typer.Option(help="At the broker: with whom you play.")] = "main",
    soundfont: SoundFont = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what the machine draws.")] = 0,
) -> None:
    """Trade bars with the machine: you play some, it answers with as many. Ctrl-C ends.

    What is played is what the bundle plays: drums on a kit, or a melody on a keyboard.
    """
    from rich.console import Console

    from fmvae_core.cli.jam_processes import JamProcesses
    from fmvae_core.cli.jam_sound import outputs_of, samplers_of
    from fmvae_core.cli.jam_steering import anchors_of, asks_of, assignments_of
    from fmvae_core.cli.jam_view import JamView
    from fmvae_core.files import cache_dir
    from fmvae_core.jam.journal import check_journal
    from fmvae_core.jam.latencies import latency_of
    from fmvae_core.jam.messages import Partner
    from fmvae_core.jam.rules import Mode, Settings
    from fmvae_core.live.control_messages import SetOsc
    from fmvae_core.live.jam_messages import SetJam, SetMidi, SetSampler, StartJam
    from fmvae_core.live.measure import EngineProcess
    from fmvae_core.live.messages import SetSound, SetTransport
    from fmvae_core.live.osc import parse_peer
    from fmvae_core.live.sync_messages import SetSync
    from fmvae_core.models.bundle import Bundle
    from fmvae_core.music.drums import drum_map as kit_of

    console = Console()
    if list_ports:
        log = cache_dir() / "jam.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file, EngineProcess(log=file) as engine:
            _print_ports(console, engine.client)
        return
    opened = Bundle.open(bundle)
    is_drums = opened.representation.name == "drums"
    if broker and not is_drums:
        raise ValueError(f"{opened.name} plays no drums, and a broker's players do; leave it out")
    kit_of(drum_map)
    controls = assignments_of(control or ())
    samplers, outputs = samplers_of(sound or ()), outputs_of(output or ())
    if osc_peer:
        parse_peer(osc_peer)
    if journal is not None:
        check_journal(journal)
    anchors = anchors_of(opened.landmarks, pull_to)
    start = StartJam(
        settings=Settings(mode=Mode(mode), bars=opened.bars),
        partner=Partner(
            adventure=adventure,
            anchor=anchors[0].z if pull_to else None,
            pull=pull if pull_to else 0.0,
            asks=asks_of(ask or (), opened.representation.attribute_names),
            momentum=momentum,
            no_repeat=not repeat,
        ),
        tempo=tempo,
        click=click,
        journal=None if journal is None else journal.resolve(),
        seed=seed,
        on_control=wait or any(each.target == "start_stop" for each in controls),
    )
    joined = _broker(broker, broker_token_file, room)
    with JamProcesses(bundle, opened.bars, cache_dir() / "jam.log", joined) as processes:
        client = processes.engine.client
        if soundfont is not None:
            client.send(SetSound(soundfont=str(soundfont)))
        client.send(SetSampler(player="human", sounds=not own_sound))
        for message in (*samplers, outputs):
            client.send(message)
        if not is_drums:
            client.send(SetTransport(instrument=opened.instrument))
        client.send(SetSync(follow=follow, sends_clock=send_clock))
        if osc_port or osc_peer:
            client.send(SetOsc(port=osc_port, peer=osc_peer))
        inputs = midi_in or _all_inputs(console, client)
        if latency is None:
            latency = latency_of(inputs)
        client.send(
            SetJam(
                controls=controls,
                anchors=anchors,
                input_latency=(latency - output_latency) / 1000.0,
                output_latency=output_latency / 1000.0,
            )
        )
        client.send(
            SetMidi(
                inputs=tuple(inputs),
                output=midi_out,
                drum_map=drum_map,
                pedal_decides=pedal_hi_hat,
            )
        )
        JamView(console, processes, start).run()


def _broker(url: str, token_file: Path | None, room: str) -> SetBroker | None:
    from fmvae_core.broker.limits import read_token
    from fmvae_core.inference.messages import SetBroker

    if not url:
        return None
    token = "" if token_file is None else read_token(token_file)
    try:
        return SetBroker(url=url, token=token, room=room)
    except ValueError:
        raise ValueError(f"'{url}' is no broker's address; write ws://HOST:PORT") from None


def _all_inputs(console: Console, client: EngineClient) -> tuple[str, ...]:
    from fmvae_core.live.jam_messages import MidiPortsState, SetMidi
    from fmvae_core.live.midi_list import of_one_interface
    from fmvae_core.live.midi_ports import VIRTUAL_PORT

    client.send(SetMidi(inputs=(VIRTUAL_PORT,)))
    state = client.wait_for(MidiPortsState, lambda state: state.is_known)
    interface, ports = of_one_interface(state.inputs, state.input_interfaces)
    if ports:
        console.print(
            f"Listening to all MIDI ports of {interface}; choose others with --midi-in.",
            highlight=False,
        )
    return (*ports, VIRTUAL_PORT)


def _print_ports(console: Console, client: EngineClient) -> None:
    from fmvae_core.live.jam_messages import MidiPortsState, SetMidi

    client.send(SetMidi(inputs=()))
    state = client.wait_for(MidiPortsState, lambda state: state.is_known)
    for title, ports in (("in", state.inputs), ("out", state.outputs)):
        for port in ports or ("none is there",):
            console.print(f"{title:4} {port}", markup=False, highlight=False)
