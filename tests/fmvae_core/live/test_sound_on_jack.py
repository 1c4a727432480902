"""Which of the engine's outputs carries what, heard on a real JACK server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fmvae_core.jam.rules import State
from fmvae_core.live.fields import Output
from fmvae_core.live.jam_messages import JamState, PadHit, StartJam, StopJam
from fmvae_core.live.measure import EngineClient
from fmvae_core.live.messages import EngineState, Panic, Play, Position, SetPhrase, SetTransport
from fmvae_core.live.sound_messages import SetOutputs, SetSampler
from tests.fmvae_core.live.conftest import StartEngine
from tests.fmvae_core.live.jack import PERIOD, Ears, JackServer, wait_until
from tests.fmvae_core.live.phrases import ticking
from tests.fmvae_core.live.small_font import RATE, write_font

COMMON, OWN = 400.0, 1000.0  # hertz
AUDIBLE = 0.01
SILENT = 1e-6

# Pair 1 and 2, then the reverb of both.
PORTS = ("l_00", "r_00", "l_01", "r_01", "fx_l_00", "fx_r_00", "fx_l_02", "fx_r_02")
LEFT_1, RIGHT_1, LEFT_2, RIGHT_2, ROOM_LEFT_1, ROOM_RIGHT_1, ROOM_LEFT_2, ROOM_RIGHT_2 = range(8)


@pytest.fixture
def wide_server() -> Iterator[JackServer]:
    with JackServer(outputs=4) as server:
        yield server


@pytest.fixture
def client(wide_server: JackServer, start_engine: StartEngine, tmp_path: Path) -> EngineClient:
    """A client of an engine whose common font is a tone."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    write_font(folder / "common.sf2", COMMON)
    environment = {**wide_server.environment, "FLATJAM_SOUNDFONTS": str(folder)}
    return start_engine(environment).client


def peaks(ears: Ears, client: EngineClient, pad: bool) -> list[float]:
    """Return the peak of each output while the human, or else the metronome, plays."""
    start = ears.now
    if pad:
        client.send(PadHit(drum=1, velocity=110))
    ears.listen(1.2)
    return [peak(output) for output in ears.heard(start, ears.now).T]


def peak(sound: npt.NDArray[np.float32]) -> float:
    return float(np.nan_to_num(np.abs(sound)).max())


def hertz(ears: Ears, client: EngineClient) -> float:
    start = ears.now
    client.send(PadHit(drum=1, velocity=110))
    wait_until(lambda: peak(ears.listen(0.02)) > AUDIBLE, "sounding")
    ears.listen(0.2)
    sound = np.nan_to_num(ears.heard(start, ears.now)[:, 0])
    return float(np.argmax(np.abs(np.fft.rfft(sound)))) * RATE / len(sound)


def test_click_and_players_each_have_an_output(
    client: EngineClient, wide_server: JackServer
) -> None:
    assert client.state.pairs == 4
    client.send(
        SetOutputs(click=Output(pair=2, side="left"), human=Output(pair=2), machine=Output(pair=1))
    )
    client.send(SetSampler(player="human", reverb=1.0))
    with Ears(wide_server, PORTS) as ears:
        ears.attach()
        client.wait_for(EngineState, lambda state: state.outputs.human.pair == 2)
        wait_until(lambda: peaks(ears, client, pad=True)[LEFT_2] > AUDIBLE, "the human on pair 2")
        human = peaks(ears, client, pad=True)
        assert min(human[LEFT_2], human[RIGHT_2]) > AUDIBLE
        assert min(human[ROOM_LEFT_2], human[ROOM_RIGHT_2]) > SILENT
        assert max(human[LEFT_1], human[RIGHT_1], human[ROOM_LEFT_1]) < SILENT

        # The machine's phrase and the click beside it.
        client.send(SetTransport(metronome=True, tempo=120.0))
        client.send(SetPhrase(phrase=ticking(), revision=1))
        mark = client.mark()
        client.send(Play())
        client.wait_for(Position, since=mark)
        both = peaks(ears, client, pad=False)
        assert min(both[LEFT_1], both[RIGHT_1]) > AUDIBLE, "the machine"
        assert both[LEFT_2] > AUDIBLE, "the click"
        assert both[RIGHT_2] < 0.05 * both[LEFT_2]
        client.send(SetTransport(metronome=False))

        # Each pair, with its reverb, goes to that of the device; what the device lacks is left.
        for pair in (1, 2):
            for side in (1, 2):
                sink = {f"system:playback_{2 * (pair - 1) + side}"}
                letter = "lr"[side - 1]
                assert ears.connections(f"flatjam:{letter}_{pair - 1:02d}") == sink
                assert ears.connections(f"flatjam:fx_{letter}_{2 * (pair - 1):02d}") == sink
        assert ears.connections("flatjam:l_02") == set()

        # Panic cuts all of them.
        mark = client.mark()
        client.send(Panic())
        client.wait_for(EngineState, lambda state: not state.playing, since=mark)
        silent_from = ears.now + 2 * PERIOD
        ears.listen(0.5)
        assert peak(ears.heard(silent_from, ears.now)) < SILENT

    # Back on one pair, the reverb is part of it.
    client.send(SetOutputs(click=Output(), human=Output()))
    with Ears(wide_server) as ears:
        ears.attach()
        wait_until(lambda: peaks(ears, client, pad=True)[0] > AUDIBLE, "the human on pair 1")


def test_a_players_font_is_loaded_while_the_other_plays_on(
    client: EngineClient, wide_server: JackServer, tmp_path: Path
) -> None:
    long = write_font(tmp_path / "long.sf2", COMMON, seconds=30.0)
    client.send(SetSampler(player="machine", soundfont=str(long)))
    client.wait_for(EngineState, lambda state: state.machine.soundfont == str(long))
    own = write_font(tmp_path / "own.sf2", OWN)
    with Ears(wide_server) as ears:
        ears.attach()
        assert hertz(ears, client) == pytest.approx(COMMON, abs=20)
        # One long tone of the machine's, in which a gap would be heard.
        client.send(SetTransport(loop=False, tempo=40.0))
        client.send(SetPhrase(phrase=ticking(bars=2), revision=1))
        mark = client.mark()
        client.send(Play())
        client.wait_for(Position, lambda position: position.beat > 0.3, since=mark)
        start = ears.now
        client.send(SetSampler(player="human", soundfont=str(own)))
        client.wait_for(EngineState, lambda state: state.human.soundfont == str(own))
        ears.listen(0.2)
        end = ears.now
        sound = ears.heard(start, end)[:, 0]
        periods = np.abs(sound[: len(sound) // PERIOD * PERIOD]).reshape(-1, PERIOD)
        level = periods.max(axis=1)  # NaN where the ears missed a block
        gaps = np.flatnonzero(level < 0.2 * np.nanmedian(level))
        assert not len(gaps) or ears.had_xrun(start, end), f"silent at {gaps}"
        client.send(Panic())
        assert hertz(ears, client) == pytest.approx(OWN, abs=20)

        # What is no font is refused in words, and changes nothing.
        broken = tmp_path / "broken.sf2"
        broken.write_bytes(b"RIFF" + bytes(500))
        mark = client.mark()
        client.send(SetSampler(player="human", soundfont=str(broken)))
        state = client.wait_for(EngineState, lambda state: bool(state.problems), since=mark)
        assert [problem.code for problem in state.problems] == ["bad_human_soundfont"]
        assert "broken.sf2" in state.problems[0].text
        assert state.human.soundfont == str(own)
        assert hertz(ears, client) == pytest.approx(OWN, abs=20)
        mark = client.mark()
        client.send(SetSampler(player="human", soundfont=""))
        client.wait_for(
            EngineState, lambda s: s.human.soundfont is None and not s.problems, since=mark
        )
        assert hertz(ears, client) == pytest.approx(COMMON, abs=20)


def test_fonts_and_outputs_come_back_with_the_audio_server(
    client: EngineClient, wide_server: JackServer, tmp_path: Path
) -> None:
    own = write_font(tmp_path / "own.sf2", OWN)
    client.send(SetSampler(player="human", soundfont=str(own), pan=0.5))
    client.send(SetOutputs(human=Output(pair=2)))
    client.wait_for(EngineState, lambda state: state.human.soundfont == str(own))
    mark = client.mark()
    wide_server.kill()
    client.wait_for(EngineState, lambda state: state.driver is None, since=mark)
    wide_server.start()
    client.wait_for(
        EngineState, lambda state: state.driver == "jack" and not state.problems, since=mark
    )
    with Ears(wide_server, ("l_01", "r_01")) as ears:
        ears.attach()
        assert hertz(ears, client) == pytest.approx(OWN, abs=20)


def test_without_pairs_it_says_so(start_engine: StartEngine, tmp_path: Path) -> None:
    environment = {
        "FLATJAM_AUDIO_DRIVER": "file",
        "FLATJAM_AUDIO_FILE": str(tmp_path / "out.wav"),
        "FLATJAM_SOUNDFONTS": str(tmp_path),
    }
    write_font(tmp_path / "common.sf2", COMMON)
    client = start_engine(environment).client
    assert client.state.pairs == 1
    client.send(SetOutputs(click=Output(pair=3)))
    state = client.wait_for(EngineState, lambda state: bool(state.problems))
    assert [problem.code for problem in state.problems] == ["no_output"]
    client.send(SetOutputs(click=Output(side="right")))
    state = client.wait_for(EngineState, lambda state: state.outputs.click.side == "right")
    client.wait_for(EngineState, lambda state: not state.problems, newest=True)


def test_the_machine_gets_softer_with_a_human_who_plays_softly(
    client: EngineClient, wide_server: JackServer
) -> None:
    """The human plays a jam's turn; then the machine's sampler plays a phrase."""
    client.send(SetPhrase(phrase=ticking(bars=1, tempo=240.0, velocity=100), revision=1))
    client.send(SetTransport(tempo=240.0))
    levels = {}
    with Ears(wide_server) as ears:
        ears.attach()
        for follow, velocity in ((0.0, 40), (1.0, 40), (0.5, 40), (1.0, 120)):
            client.send(SetSampler(player="machine", follow=follow))
            mark = client.mark()
            client.send(StartJam(tempo=240.0, click=False))
            client.wait_for(JamState, lambda s: s.state is State.LISTENING, since=mark)
            for _ in range(3):
                client.send(PadHit(drum=1, velocity=velocity))
            client.wait_for(JamState, lambda s: s.state is State.ANSWERING, since=mark)
            client.send(StopJam())
            client.wait_for(JamState, lambda s: s.state is State.IDLE, since=mark)
            ears.listen(0.5)
            start = ears.now
            client.send(Play())
            ears.listen(1.0)
            levels[follow, velocity] = peak(ears.heard(start, ears.now))
            client.send(Panic())
    full = levels[0.0, 40]
    assert levels[1.0, 120] == pytest.approx(full, rel=0.1)
    assert levels[1.0, 40] == pytest.approx(0.4**2 * full, rel=0.15)
    assert levels[0.5, 40] == pytest.approx(0.7**2 * full, rel=0.15)
