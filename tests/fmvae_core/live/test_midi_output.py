from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from fmvae_core.live.midi_output import MidiOutput
from fmvae_core.live.voices import DRUM_CHANNEL, SoundEvent
from tests.fmvae_core.live.jack import wait_until


def test_events_are_sent_when_they_fall_due_and_stop_ends_what_sounds() -> None:
    sent: list[tuple[float, tuple[int, ...]]] = []
    output = MidiOutput(lambda data: sent.append((time.monotonic(), tuple(data))), time.monotonic)
    now = time.monotonic()
    output.play(
        [
            SoundEvent(now + 0.10, DRUM_CHANNEL, 38, 100),
            SoundEvent(now + 0.05, DRUM_CHANNEL, 36, 90),
            SoundEvent(now + 0.15, DRUM_CHANNEL, 36, 0),
        ]
    )
    wait_until(lambda: len(sent) == 3, "sent")
    assert [data for _, data in sent] == [(0x99, 36, 90), (0x99, 38, 100), (0x89, 36, 0)]
    assert all(at >= now + due for (at, _), due in zip(sent, (0.05, 0.10, 0.15), strict=True))
    output.stop()
    wait_until(lambda: len(sent) == 4, "ended")
    assert sent[-1][1] == (0x89, 38, 0)
    output.close()


def test_what_is_still_to_come_when_it_stops_is_forgotten() -> None:
    sent: list[tuple[int, ...]] = []
    output = MidiOutput(lambda data: sent.append(tuple(data)), time.monotonic)
    soon = time.monotonic() + 0.5
    output.play([SoundEvent(soon, DRUM_CHANNEL, 51, 90)])
    output.stop()
    assert time.monotonic() < soon, "stopped in time"
    output.play([SoundEvent(soon + 0.1, DRUM_CHANNEL, 36, 90)])
    wait_until(lambda: bool(sent), "sent")
    output.close()
    assert sent == [(0x99, 36, 90), (0x89, 36, 0)]


def test_a_delay_that_shrinks_lets_no_end_overtake_its_start() -> None:
    sent: list[tuple[int, ...]] = []
    output = MidiOutput(lambda data: sent.append(tuple(data)), time.monotonic)
    now = time.monotonic()
    output.delay = 0.2
    output.play([SoundEvent(now + 0.1, DRUM_CHANNEL, 36, 90)])
    output.delay = 0.0
    output.play([SoundEvent(now + 0.15, DRUM_CHANNEL, 36, 0)])
    wait_until(lambda: len(sent) == 2, "sent")
    output.close()
    assert sent == [(0x99, 36, 90), (0x89, 36, 0)]


def test_a_slow_port_holds_nobody_up_and_one_that_fails_is_sent_the_next() -> None:
    sent: list[tuple[int, ...]] = []
    is_in, go_on = threading.Event(), threading.Event()

    def send(data: Sequence[int]) -> None:
        if data[1] == 51:
            is_in.set()
            assert go_on.wait(20.0)
            raise OSError("the port is gone")
        sent.append(tuple(data))

    output = MidiOutput(send, time.monotonic)
    output.play([SoundEvent(0.0, DRUM_CHANNEL, 51, 90)])
    assert is_in.wait(20.0)
    playing = threading.Thread(
        target=output.play, args=([SoundEvent(0.0, DRUM_CHANNEL, 36, 90)],), daemon=True
    )
    playing.start()
    playing.join(5.0)
    is_held_up = playing.is_alive()
    go_on.set()
    assert not is_held_up
    wait_until(lambda: sent == [(0x99, 36, 90)], "sent")
    output.close()


def test_all_leaves_later_by_the_latency_of_the_sound_and_a_last_word_at_once() -> None:
    sent: list[tuple[float, tuple[int, ...]]] = []
    output = MidiOutput(lambda data: sent.append((time.monotonic(), tuple(data))), time.monotonic)
    output.delay = 0.1
    now = time.monotonic()
    output.send([(now, (0xFA,)), (now, (0xF8,)), (now + 600.0, (0xF8,))])
    wait_until(lambda: len(sent) == 2, "sent")
    assert [data for _, data in sent] == [(0xFA,), (0xF8,)]
    assert all(at >= now + 0.1 for at, _ in sent)
    output.stop([(0xFC,)])
    wait_until(lambda: len(sent) == 3, "the last word is sent")
    output.close()
    assert sent[-1][1] == (0xFC,)
