"""What the engine understands and tells of clocks, and of the latency between it and the human."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fmvae_core.ipc import Message
from fmvae_core.live.fields import Tempo

Follow = Literal["own", "midi", "link"]
"""Whose beats the jam follows: its own, those of a MIDI clock, or those of Ableton Link."""


class SetSync(Message):
    """Choose whose tempo and beats the jam follows; ``None`` leaves a thing as it is.

    Parameters
    ----------
    follow
        The master. A MIDI clock is that of the first open input that sends one.
    follows_transport
        Whether the jam starts and stops with the master's song, and, on Link, the others with it.
    sends_clock
        Whether a MIDI clock of the jam leaves by the machine's output port.
    """

    kind: Literal["set_sync"] = "set_sync"
    follow: Follow | None = None
    follows_transport: bool | None = None
    sends_clock: bool | None = None


class SyncState(Message):
    """Whose beats the jam follows.

    Parameters
    ----------
    is_locked
        Whether a master is there.
    tempo
        The master's; none while it is not there.
    source
        The port of the MIDI clock.
    peers
        How many others there are on Link.
    """

    kind: Literal["sync_state"] = "sync_state"
    follow: Follow = "own"
    is_locked: bool = False
    tempo: float | None = None
    source: str = ""
    peers: int = 0
    follows_transport: bool = True
    sends_clock: bool = False


class StartCalibration(Message):
    """Click for somebody to tap along with: that measures the latency there and back.

    The human's own sampler is silent meanwhile, or they would tap so that it falls on the click.

    Parameters
    ----------
    tempo
        Of the click, in beats a minute.
    hits
        How many hits to take, besides those at the beginning.
    """

    kind: Literal["start_calibration"] = "start_calibration"
    tempo: Tempo = 100.0
    hits: int = Field(default=16, ge=4, le=200)


class StopCalibration(Message):
    """End the click; nothing is measured."""

    kind: Literal["stop_calibration"] = "stop_calibration"


class CalibrationState(Message):
    """How far the measuring of the latency has got.

    Parameters
    ----------
    is_running
        Whether it clicks.
    is_done
        Whether enough hits have come: then ``median_ms`` is the result.
    hits, wanted
        Hits that count, and how many are wanted.
    dropped
        Hits that were too far from the others.
    median_ms
        How much later than the engine plays a click the hit on it comes in: latency of output and
        input together, less what the human is early by. To be used as the input's latency (less
        the output's, where that is known). None before the first hit.
    spread_ms
        Standard deviation of the hits, as far as one of single strays may be told.
    port
        Where the hits come from; empty for the pads on the screen.
    """

    kind: Literal["calibration_state"] = "calibration_state"
    is_running: bool
    is_done: bool = False
    hits: int = 0
    wanted: int = 0
    dropped: int = 0
    median_ms: float | None = None
    spread_ms: float | None = None
    port: str = ""
