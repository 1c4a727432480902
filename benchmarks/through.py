"""From a pad to the ear: how long until the human's own sampler sounds, over MIDI and JACK."""

from __future__ import annotations

import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from fmvae_core.live.jam_messages import MidiPortsState, SetMidi
from fmvae_core.live.measure import EngineProcess, Summary
from fmvae_core.live.messages import EngineState
from tests.fmvae_core.live.jack import PERIOD, RATE, Ears, JackServer
from tests.fmvae_core.live.kit import plugged
from tests.fmvae_core.live.small_font import write_font

_HITS = 300
_WARM_UP = 10
_SNARE = 38
_SILENCE = 1e-4
_HEARD_WITHIN = 0.25  # seconds


def measure() -> dict[str, Any]:
    """Return how long it takes from a note that a kit sends to its sound, in milliseconds.

    The kit is a process of its own that plays on a JACK MIDI port; the sound is that of the first
    sample which JACK is given, so the device's own latency is to be added. The font sounds from its
    first sample on. The goal is one period of the audio (2.7 ms here) and 5 ms.
    """
    dice = random.Random(0)
    with JackServer() as server, tempfile.TemporaryDirectory() as folder:
        write_font(Path(folder) / "tone.sf2", hertz=1000.0, seconds=0.05)
        os.environ |= {**server.environment, "FLATJAM_SOUNDFONTS": folder}
        with EngineProcess() as engine, plugged() as kit, Ears(server) as ears:
            client = engine.client
            client.wait_for(EngineState, lambda state: state.driver is not None)
            ears.attach()
            client.send(SetMidi(inputs=("kit",)))
            client.wait_for(MidiPortsState, lambda ports: ports.open_inputs == ("kit",))
            delays = []
            for _ in range(_HITS + _WARM_UP):
                begun = ears.now
                kit.send(0x99, _SNARE, 100)
                (sent,) = kit.sent(1)
                ears.listen(_HEARD_WITHIN)
                level = np.nan_to_num(np.abs(ears.heard(begun, ears.now))).max(axis=1)
                first = begun + int(np.argmax(level > _SILENCE))
                delays.append(1000.0 * (ears.time_of(first) - sent))
                time.sleep(dice.uniform(0.0, 0.02))  # not in step with the audio's periods
    through = Summary.of(delays[_WARM_UP:])
    return {
        "through_ms_p50": through.p50,
        "through_ms_p99": through.p99,
        "through_period_ms": 1000.0 * PERIOD / RATE,
    }
