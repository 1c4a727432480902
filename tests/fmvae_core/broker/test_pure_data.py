"""examples/flatjam.pd in a real Pure Data: it plays a jam with a real broker and a real model."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from fmvae_core.music.drums import DRUMS
from tests.fmvae_core.broker.rig import BrokerThread, ScriptedModel, wait_until

PATCH = Path(__file__).resolve().parents[3] / "examples" / "flatjam.pd"
TEMPO = 240
BEATS_BETWEEN = 0.5  # two hits

pytestmark = pytest.mark.skipif(
    shutil.which("pd") is None, reason="Pure Data is not installed (puredata-core)"
)

_DRIVER = r"""#N canvas 0 0 400 300 12;
#X obj 20 20 loadbang;
#X obj 20 46 delay 200;
#X msg 20 72 \; flatjam-broker 127.0.0.1 @PORT \; flatjam-tempo @TEMPO \; flatjam-adventure 3;
#X obj 20 110 delay 1000;
#X msg 20 136 \; flatjam-start 1;
#X obj 200 20 metro @EVERY;
#X msg 200 46 \; flatjam-pad 1 90;
#X obj 20 200 r flatjam-played;
#X obj 20 226 print played;
#X obj 200 200 r flatjam-state;
#X obj 200 226 print state;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 1 0 3 0;
#X connect 3 0 4 0;
#X connect 3 0 5 0;
#X connect 5 0 6 0;
#X connect 7 0 8 0;
#X connect 9 0 10 0;
"""


class PureData:
    """Pure Data without window and sound, with the patch and one that hits its pads."""

    def __init__(self, folder: Path, osc_port: int) -> None:
        driver = folder / "driver.pd"
        words = {"@PORT": osc_port, "@TEMPO": TEMPO, "@EVERY": 60_000 * BEATS_BETWEEN / TEMPO}
        text = re.sub("@[A-Z]+", lambda found: str(words[found[0]]), _DRIVER)
        driver.write_text(text)
        options = ["-nogui", "-noaudio", "-nomidi", "-noprefs", "-stderr"]
        self._process = subprocess.Popen(
            ["pd", *options, "-open", str(PATCH), "-open", str(driver)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, "HOME": str(folder)},
            text=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append(line.strip())

    def turns(self) -> list[list[tuple[int, int]]]:
        """Return drum and velocity of what the machine played in each of its turns."""
        turns: list[list[tuple[int, int]]] = []
        for line in self.lines.copy():
            if line == "state: symbol MACHINE":
                turns.append([])
            elif turns and (found := re.fullmatch(r"played: machine (\d+) (\d+)", line)):
                turns[-1].append((int(found[1]), int(found[2])))
        return turns

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()


@pytest.fixture
def pure_data(tmp_path: Path) -> Iterator[tuple[BrokerThread, ScriptedModel, PureData]]:
    with BrokerThread() as broker, broker.model() as model:
        pure_data = PureData(tmp_path, broker.osc_port)
        yield broker, model, pure_data
        pure_data.close()


def test_the_patch_sends_its_hits_and_plays_the_answers(
    pure_data: tuple[BrokerThread, ScriptedModel, PureData],
) -> None:
    broker, model, pd = pure_data
    wait_until(lambda: any("Pd by OSC" in line for line in broker.said), f"joined: {pd.lines}")
    wait_until(lambda: len(pd.turns()) >= 3, f"played: {pd.lines}")  # two turns are over

    assert not [line for line in pd.lines if "error" in line or "failed" in line]
    # The patch gives no seeds, so that the number of the turn is one.
    finals = [work.request for work in model.works if work.request.is_final]
    # From half-way on an answer is asked for at each beat, too.
    early = [work.request for work in model.works if not work.request.is_final]
    assert [request.seed for request in early][:4] == [1, 1, 1, 1]
    for number, (asked, played) in enumerate(zip(finals[:2], pd.turns()[:2], strict=True), 1):
        assert (asked.seed, asked.phrase.tempo, asked.partner.adventure) == (number, TEMPO, 3.0)
        onsets = [note.onset for note in asked.phrase.notes]
        assert len(onsets) >= 8 / BEATS_BETWEEN - 1
        assert onsets[0] >= -0.125
        assert onsets[-1] < 7.875
        gaps = [later - earlier for earlier, later in pairwise(onsets)]
        assert gaps == pytest.approx([BEATS_BETWEEN] * len(gaps), abs=0.01)
        # The scripted model answers each phrase with itself; the final one may come too late.
        answers = [request.phrase for request in (*early, asked) if request.seed == number]
        assert played in [[(1, note.velocity) for note in phrase.notes] for phrase in answers]
        assert {note.pitch for note in asked.phrase.notes} == {DRUMS[1].pitch}
