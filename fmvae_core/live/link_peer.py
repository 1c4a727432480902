"""Ableton Link: tempo, beats, start and stop in common with other programs on the network.

An optional extra, ``pip install 'flatjam[link]'``. Nothing goes over the network before it is
chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fmvae_core.live.midi_clock import Line
from fmvae_core.music.phrase import BEATS_PER_BAR

_QUANTUM = float(BEATS_PER_BAR)  # peers agree on the place in a bar


class LinkPeer:
    """Takes part in the Link session of the network.

    Parameters
    ----------
    now
        The engine's clock.
    tempo
        In beats a minute, where nobody else is there.

    Raises
    ------
    ValueError
        If the extra is not installed.
    """

    def __init__(self, now: Callable[[], float], tempo: float) -> None:
        try:
            import link
        except ImportError as error:
            raise ValueError(
                "Ableton Link is not installed; install it with: pip install 'flatjam[link]'"
            ) from error
        self._now = now
        self._link: Any = link.Link(tempo)
        self._link.startStopSyncEnabled = True
        self._link.enabled = True

    def close(self) -> None:
        """Leave the session."""
        self._link.enabled = False

    @property
    def peers(self) -> int:
        """How many others there are."""
        return int(self._link.numPeers())

    def line(self) -> Line:
        """Return where the session's beats fall."""
        now = self._now()
        state = self._link.captureSessionState()
        return Line(now, state.beatAtTime(self._micros(now), _QUANTUM), state.tempo())

    @property
    def is_playing(self) -> bool:
        """Whether the session plays."""
        return bool(self._link.captureSessionState().isPlaying())

    def set_tempo(self, tempo: float) -> None:
        """Change the session's tempo."""
        state = self._link.captureSessionState()
        state.setTempo(tempo, self._micros(self._now()))
        self._link.commitSessionState(state)

    def set_playing(self, is_playing: bool, at: float) -> None:
        """Tell the session that it plays, or does not, from a time on."""
        state = self._link.captureSessionState()
        if bool(state.isPlaying()) != is_playing:
            state.setIsPlaying(is_playing, self._micros(at))
            self._link.commitSessionState(state)

    def _micros(self, seconds: float) -> int:
        """Return Link's own time at one of the engine's clock."""
        return int(self._link.clock().micros() + 1e6 * (seconds - self._now()))
