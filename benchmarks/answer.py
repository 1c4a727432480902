"""The final answer in a jam: how long after the human's window closes it is queued."""

from __future__ import annotations

import os
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.answers import answer_waits
from benchmarks.live import turning_map
from fmvae_core.files import resource
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest
from fmvae_core.jam.rules import Mode, Settings
from fmvae_core.live.jam_messages import JamState, MachinePhrase, PadHit, StartJam, StopJam
from fmvae_core.live.measure import EngineProcess, Summary
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import WorkerProcess

_TEMPO = 200.0
_TURNS = 100
_WARM_UP = 2
_BARS = 2


def measure() -> dict[str, Any]:
    """Return what an answer takes beside a turning map, and how many were prepared ones.

    Human and machine play all the time, at 200 bpm, so that half a step is 37 ms; the pads of the
    screen are hit about three times a beat. The goal is 25 ms at the 99th percentile.
    """
    dice = random.Random(0)
    bundle = resource("models", "drums-2bar")
    with tempfile.TemporaryDirectory() as folder:
        take = Path(folder) / "take.jsonl"
        sound = {
            "FLATJAM_AUDIO_DRIVER": "file",
            "FLATJAM_AUDIO_FILE": os.path.join(folder, "out.wav"),
        }
        with (
            EngineProcess({**os.environ, **sound}) as engine,
            WorkerProcess(bundle, engine=engine.endpoint) as worker,
            turning_map(),
        ):
            client = engine.client
            worker.wait_until_open()
            worker.connection.send(
                AnswerRequest(number=0, phrase=Phrase((), _BARS), is_final=True, seed=0)
            )
            worker.mail.wait_for(Answer)
            client.wait_for(JamState, lambda state: state.can_answer)
            settings = Settings(mode=Mode.CONTINUOUS, bars=_BARS)
            client.send(StartJam(tempo=_TEMPO, settings=settings, journal=take))
            begun = client.mark()
            while True:
                client.send(PadHit(drum=dice.randrange(9), velocity=dice.randint(40, 120)))
                time.sleep(dice.uniform(0.0, 0.2))
                if len(client.all(MachinePhrase, since=begun)) > _TURNS + _WARM_UP:
                    break
            told = client.wait_for(JamState, newest=True)
            client.send(StopJam())
            client.wait_for(JamState, lambda state: state.tempo == 0.0, since=begun)
        waits = Summary.of(1000.0 * wait for wait in answer_waits(read_journal(take))[_WARM_UP:])
    return {
        "answer_ms_p50": waits.p50,
        "answer_ms_p99": waits.p99,
        "answers_final": told.finals,
        "answers_prepared": told.prepared,
    }
