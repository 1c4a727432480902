"""Journals of jams that the engine's own code has played, on a clock of the test's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from fmvae_core.jam.journal import Journal, read_journal
from fmvae_core.jam.messages import Partner
from fmvae_core.jam.rules import Mode, Settings
from fmvae_core.live.jam_messages import StartJam
from tests.fmvae_core.live.jack import wait_until
from tests.fmvae_core.live.test_jam import Band


@dataclass(frozen=True)
class Plan:
    """What happens in a jam; times are beats."""

    mode: Mode = Mode.TRADE
    tempo: float = 120.0
    seed: int = 3
    answer_takes: float = 0.005
    hits: tuple[tuple[float, int], ...] = tuple((float(beat), 90) for beat in range(4, 40))
    changes: tuple[tuple[float, str], ...] = ()
    end: float = 40.0


def record(folder: Path, plan: Plan = Plan()) -> Journal:
    """Play a jam with a bar a turn and return its journal; the file is ``take.jsonl``."""
    band = Band(plan.tempo, plan.answer_takes)
    path = folder / "take.jsonl"
    settings = Settings(mode=plan.mode, bars=1)
    band.start_with(StartJam(settings=settings, journal=path, seed=plan.seed))
    hits = sorted(plan.hits)
    # Times of the band are those of its first tempo: when things happen, not where they fall.
    for at, change in sorted(plan.changes):
        band.run(at, [hit for hit in hits if band.time(hit[0]) > band.now and hit[0] < at])
        _CHANGES[change](band)
    band.run(plan.end, [hit for hit in hits if band.time(hit[0]) > band.now])
    band.jam.stop()
    wait_until(lambda: read_journal(path).records[-1].kind == "end", "the journal's end")
    return read_journal(path)


def _change_bundle(band: Band) -> None:
    band.bundle += "y"


_CHANGES = {
    "faster": lambda band: band.jam.set_tempo(180.0),
    "slower": lambda band: band.jam.set_tempo(70.0),
    "hold": lambda band: band.jam.change(Settings(mode=Mode.HOLD, bars=1)),
    "continuous": lambda band: band.jam.change(Settings(mode=Mode.CONTINUOUS, bars=1)),
    "trade": lambda band: band.jam.change(Settings(mode=Mode.TRADE, bars=1)),
    "far": lambda band: band.jam.change(partner=Partner(adventure=20.0)),
    "no model": lambda band: band.jam.set_answerer(None),
    "model": lambda band: band.jam.set_answerer(band._answer, 1),
    "two bars": lambda band: band.jam.set_answerer(None, 2),
    "bundle": _change_bundle,
    "late": lambda band: band.jam.change(input_latency=0.040),
}

_BEATS = st.floats(min_value=0.0, max_value=39.5, allow_nan=False)
_HITS = st.tuples(_BEATS, st.integers(1, 127))

plans = st.builds(
    Plan,
    mode=st.sampled_from(Mode),
    tempo=st.sampled_from([60.0, 120.0, 220.0]),
    seed=st.integers(0, 2**31),
    answer_takes=st.sampled_from([0.001, 0.030, 0.300]),
    hits=st.lists(_HITS, max_size=60, unique_by=lambda hit: hit[0]).map(tuple),
    changes=st.lists(
        st.tuples(_BEATS, st.sampled_from(sorted(_CHANGES))), max_size=5, unique_by=lambda c: c[0]
    ).map(tuple),
)
"""Jams of all kinds, with whatever may be changed while they go on."""
