"""Real MIDI ports of a JACK server; what plays on them is another process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import rtmidi

from fmvae_core.live.midi_list import Lister, knows_our_ports
from fmvae_core.live.midi_ports import VIRTUAL_PORT, MidiEvent, MidiPorts, find_port
from tests.fmvae_core.live.jack import JackServer, wait_until
from tests.fmvae_core.live.kit import plugged


@pytest.fixture
def on_jack(jack_server: JackServer, monkeypatch: pytest.MonkeyPatch) -> JackServer:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack_server.name)
    return jack_server


@pytest.fixture
def heard() -> list[MidiEvent]:
    return []


@pytest.fixture
def make_ports(heard: list[MidiEvent]) -> Iterator[Callable[[], MidiPorts]]:
    made: list[MidiPorts] = []

    def make() -> MidiPorts:
        made.append(MidiPorts(heard.append))
        return made[-1]

    yield make
    for ports in made:
        ports.close()


def test_what_is_played_comes_in_order_and_is_stamped_at_once(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    with plugged() as kit:
        ports = make_ports()
        ports.choose(inputs=["KIT"])
        wait_until(lambda: ports.state.open_inputs == ("KIT",), "open")
        assert ports.state.inputs == ("kit:pads",)
        assert ports.state.input_interfaces == ("Jack",)
        began = time.monotonic()
        for velocity in range(1, 101):
            kit.send(0x99, 38, velocity)
        wait_until(lambda: len(heard) >= 100, "heard")
        assert [event.data for event in heard] == [(0x99, 38, v) for v in range(1, 101)]
        times = [event.time for event in heard]
        assert times == sorted(times)
        assert began < times[0] <= times[-1] < time.monotonic()
        assert {event.port for event in heard} == {"kit:pads"}


def test_a_port_that_vanishes_is_noticed_and_heard_again_when_it_returns(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    ports = make_ports()
    ports.choose(inputs=["kit:pads"])
    wait_until(lambda: ports.state.missing == ("kit:pads",), "missing")
    for round_ in (1, 2, 3):
        with plugged() as kit:
            wait_until(lambda: not ports.state.missing, "there")
            kit.send(0x99, 36, round_)
            wait_until(lambda r=round_: heard and heard[-1].data == (0x99, 36, r), "heard")  # type: ignore[misc]
        wait_until(lambda: ports.state.missing == ("kit:pads",), "noticed")
        assert ports.state.inputs == ()
    assert len(heard) == 3


def test_a_port_of_our_own_that_others_connect_to(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    ports = make_ports()
    ports.choose(inputs=[VIRTUAL_PORT])
    wait_until(lambda: ports.state.open_inputs == (VIRTUAL_PORT,), "open")
    with plugged("Flatjam:in") as kit:
        kit.send(0x99, 42, 77)
        wait_until(lambda: bool(heard), "heard")
    assert (heard[0].port, heard[0].data) == (VIRTUAL_PORT, (0x99, 42, 77))
    assert ports.state.inputs == (), "our own ports are not offered"


def test_it_plays_to_a_port(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    listener, player = make_ports(), make_ports()
    listener.choose(inputs=[VIRTUAL_PORT])
    wait_until(lambda: bool(listener.state.open_inputs), "open")
    player.choose(output=VIRTUAL_PORT)
    wait_until(lambda: player.state.is_output_open, "open")
    import jack

    with jack.Client("patchbay", servername=on_jack.name, no_start_server=True) as patchbay:
        source = patchbay.get_ports("Flatjam.*:out", is_midi=True, is_output=True)[0]
        sink = patchbay.get_ports("Flatjam.*:in", is_midi=True, is_input=True)[0]
        patchbay.connect(source, sink)
        player.send((0x99, 49, 99))
        player.send((0x99, 36, 90))
        player.send((0x89, 36, 0))
        wait_until(lambda: len(heard) == 3, "heard")
        player.choose(output="")
        wait_until(lambda: not player.state.is_output_open, "closed")
        wait_until(lambda: len(heard) == 4, "what sounded was ended")
    assert heard[0].data == (0x99, 49, 99)
    assert heard[3].data == (0x89, 49, 0)


def _brings(port: rtmidi.MidiIn, expected: list[int]) -> bool:
    message = port.get_message()
    assert message is None or message[0] == expected
    return message is not None


def test_what_sounded_when_the_output_vanished_is_ended_when_it_returns(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    player = make_ports()
    player.choose(output="module")
    for round_ in range(2):
        module = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, "module")
        module.open_virtual_port("in")
        wait_until(lambda: player.state.is_output_open, "open")
        expected = [0x89, 49, 0]
        if round_ == 0:
            expected = [0x99, 49, 99]
            player.send(expected)
        wait_until(partial(_brings, module, expected), "heard")
        module.delete()
        wait_until(lambda: not player.state.is_output_open, "noticed")


def test_a_busy_server_that_refuses_a_client_now_and_then_is_not_gone(
    on_jack: JackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lister = Lister()
    lister.look()
    really, asked = lister._probe, []

    def refuse_every_other(api: int, is_input: bool) -> object:
        asked.append(api)
        return None if len(asked) % 2 else really(api, is_input)

    monkeypatch.setattr(lister, "_probe", refuse_every_other)
    with plugged():
        looks = [lister.look() for _ in range(8)]
    assert len(asked) >= 2, "it has tried, and tried again"
    assert not any(look.has_lost_jack for look in looks)
    assert any("kit:pads" in [place.name for place in look.inputs] for look in looks)
    for probe in lister._probes.values():
        probe.delete()


def test_a_server_that_dies_and_returns(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts], heard: list[MidiEvent]
) -> None:
    ports = make_ports()
    with plugged():
        ports.choose(inputs=["kit"])
        wait_until(lambda: not ports.state.missing, "there")
        on_jack.kill()
        wait_until(lambda: ports.state.missing == ("kit",), "noticed")
    on_jack.start()
    with plugged() as kit:
        wait_until(lambda: not ports.state.missing, "there again")
        kit.send(0x99, 51, 60)
        wait_until(lambda: bool(heard), "heard again")
    wait_until(lambda: ports.state.missing == ("kit",), "noticed")
    with plugged() as kit:
        wait_until(lambda: not ports.state.missing, "there again")
        kit.send(0x99, 51, 61)
        wait_until(lambda: heard[-1].data[2] == 61, "heard again")
    assert len(heard) == 2


def test_a_server_knows_our_ports_as_long_as_it_lives(
    on_jack: JackServer, make_ports: Callable[[], MidiPorts]
) -> None:
    ports = make_ports()
    with plugged():
        ports.choose(inputs=["kit"])
        wait_until(lambda: ports.state.open_inputs == ("kit",), "open")
        assert knows_our_ports()
        on_jack.kill()
        assert not knows_our_ports()
    on_jack.start()
    assert not knows_our_ports()


def test_without_any_midi_a_wanted_port_is_missing(
    make_ports: Callable[[], MidiPorts], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "flatjam-nobody")
    ports = make_ports()
    ports.choose(inputs=["no such kit"], output="no such module")
    wait_until(lambda: ports.state.missing == ("no such kit", "no such module"), "missing")


def test_a_port_is_found_by_its_name_or_a_part_of_it() -> None:
    ports = ("TD-17KVX:MIDI 1", "TD-17", "Nitro")
    assert find_port("TD-17", ports) == "TD-17"
    assert find_port("td-17k", ports) == "TD-17KVX:MIDI 1"
    assert find_port("nitro", ports) == "Nitro"
    assert find_port("TD-50", ports) is None
