"""Keeps the engine sounding: SoundFonts, audio drivers, and coming back after a loss.

All that may take long, loading a font or waiting for a sound server, happens on one thread of its
own. The transport goes on meanwhile: silently, or with the synth it has.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from os import environ
from pathlib import Path

from fmvae_core.live.library import SoundError
from fmvae_core.live.messages import Problem, SetSound
from fmvae_core.live.soundfonts import find_soundfonts, no_soundfont
from fmvae_core.live.synth import SAMPLE_RATE, Synth, offered_drivers
from fmvae_core.live.transport import Transport

log = logging.getLogger(__name__)

_FIRST_RETRY = 1.0  # seconds, doubled at each failure
_LAST_RETRY = 16.0
_CLOSE_PATIENCE = 2.0  # seconds for a sound server that has died to let go


@dataclass(frozen=True)
class SoundState:
    """What a window shows of the sound."""

    soundfont: str | None = None
    soundfonts: tuple[str, ...] = ()
    driver: str | None = None
    drivers: tuple[str, ...] = ()
    sample_rate: int = SAMPLE_RATE
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Lost:
    """The audio of a synth has stopped."""

    synth: Synth


class Sound:
    """Gives the transport a synth that sounds, as long as there can be one.

    Parameters
    ----------
    transport
        Where the synth is attached.
    on_change
        Called, on this object's thread, after `state` has changed.

    Notes
    -----
    Where the driver that is asked for cannot be had, the one that worked before and then the
    platform's are tried, so that there is sound; the problem tells. ``FLATJAM_AUDIO_DRIVER`` names
    the one driver to use where no `SetSound` chooses another.
    """

    def __init__(self, transport: Transport, on_change: Callable[[], None]) -> None:
        self._transport = transport
        self._on_change = on_change
        self._requests: queue.SimpleQueue[SetSound | _Lost | None] = queue.SimpleQueue()
        self._state = SoundState()
        self._synth: Synth | None = None
        self._wanted_font = ""
        self._wanted_driver = ""
        self._fixed_driver = environ.get("FLATJAM_AUDIO_DRIVER", "")
        self._last_driver: str | None = None  # that worked
        self._font_problem: Problem | None = None
        self._audio_problem: Problem | None = None
        self._retry: float | None = None
        self._thread = threading.Thread(target=self._run, name="sound", daemon=True)

    @property
    def state(self) -> SoundState:
        """The font, the driver and what is wrong with them."""
        return self._state

    def start(self) -> None:
        """Begin to look for a SoundFont and an audio driver."""
        self._thread.start()

    def request(self, wanted: SetSound) -> None:
        """Choose a font or driver; what cannot be had leaves the old one and becomes a problem."""
        self._requests.put(wanted)

    def report_lost(self, synth: Synth) -> None:
        """Tell that the audio of a synth, which the transport has let go of, has stopped."""
        self._requests.put(_Lost(synth))

    def close(self) -> None:
        """Let go of synth and driver; gives up on a sound server that does not answer."""
        self._requests.put(None)
        if self._thread.ident is not None:
            self._thread.join(_CLOSE_PATIENCE + 1.0)

    # --- the thread -------------------------------------------------------------------------------

    def _run(self) -> None:
        self._set_up()
        while True:
            try:
                request = self._requests.get(timeout=self._retry)
            except queue.Empty:
                self._try_again()
                continue
            if request is None:
                self._let_go()
                return
            if isinstance(request, _Lost):
                self._recover(request.synth)
            else:
                self._change(request)

    def _set_up(self) -> None:
        try:
            self._state = replace(self._state, drivers=offered_drivers())
        except SoundError as error:
            self._font_problem = error.problem
            self._publish()
            return
        self._load_font()
        self._open_audio()
        self._publish()

    def _change(self, wanted: SetSound) -> None:
        if self._font_problem is not None and self._font_problem.code == "no_fluidsynth":
            self._publish()  # nothing can be chosen; say so again
            return
        if wanted.driver is not None:
            self._wanted_driver = wanted.driver
        if wanted.soundfont is not None:
            self._wanted_font = wanted.soundfont
        if wanted.soundfont is not None or self._synth is None:
            self._load_font()
        if wanted.driver is not None or self._state.driver is None:
            self._open_audio()
        self._publish()

    def _load_font(self) -> None:
        """Load the wanted font into a synth of its own and exchange the synths once it is ready."""
        fonts = find_soundfonts()
        self._state = replace(self._state, soundfonts=tuple(str(path) for path in fonts))
        choices = [Path(self._wanted_font)] if self._wanted_font else list(fonts)
        if not choices:
            self._font_problem = no_soundfont()
            return
        synth = None
        for choice in choices:
            try:
                synth = Synth(choice)
            except SoundError as error:
                log.warning("%s", error)
                self._font_problem = error.problem
            else:
                self._font_problem = None
                break
        if synth is None:
            return
        if self._wanted_font and self._wanted_font not in self._state.soundfonts:
            listed = (*self._state.soundfonts, self._wanted_font)
            self._state = replace(self._state, soundfonts=listed)
        self._let_go()
        self._synth = synth
        self._state = replace(self._state, soundfont=str(synth.soundfont), driver=None)

    def _open_audio(self) -> None:
        """Open the wanted driver, or the first that works."""
        synth = self._synth
        if synth is None:
            return
        self._transport.detach()
        drivers = self._state.drivers
        wanted = self._wanted_driver or self._fixed_driver
        choices = [wanted] if wanted else []
        if wanted and self._last_driver is not None:
            choices.append(self._last_driver)
        if not self._fixed_driver:
            choices += [name for name in drivers if name != "file"]
        choices = list(dict.fromkeys(choices))
        problem = None
        opened = None
        for driver in choices:
            try:
                if driver not in drivers:
                    raise SoundError(_unknown_driver(driver, drivers))
                synth.open_audio(driver)
            except SoundError as error:
                log.info("%s", error)
                problem = problem or error.problem
            else:
                opened = self._last_driver = driver
                self._transport.attach(synth)
                break
        if opened is not None:
            self._audio_problem = problem if wanted and opened != wanted else None
            self._retry = None
        else:
            if problem is None or not wanted:
                problem = _no_audio(choices)
            # A loss stays a loss until there is sound again: that says more than "no audio".
            if self._audio_problem is None or self._audio_problem.code != "audio_lost":
                self._audio_problem = problem
            self._retry = _FIRST_RETRY
        self._state = replace(self._state, driver=opened, sample_rate=synth.sample_rate)

    def _try_again(self) -> None:
        waited = self._retry or _FIRST_RETRY
        self._open_audio()
        if self._retry is not None:
            self._retry = min(2.0 * waited, _LAST_RETRY)
        self._publish()

    def _recover(self, lost: Synth) -> None:
        if lost is not self._synth:
            return  # it was exchanged meanwhile
        driver = self._state.driver
        self._audio_problem = _audio_lost(driver)
        self._state = replace(self._state, driver=None)
        self._publish()
        self._let_go()
        # The old synth may be stuck in its driver: begin with a new one.
        try:
            self._synth = Synth(lost.soundfont)
        except SoundError as error:
            self._font_problem = error.problem
            self._state = replace(self._state, soundfont=None)
        self._retry = _FIRST_RETRY
        self._publish()

    def _let_go(self) -> None:
        synth, self._synth = self._synth, None
        self._transport.detach()
        if synth is None:
            return
        # On a thread of its own: a server that hangs would keep us from ever sounding again.
        closing = threading.Thread(target=synth.close, name="sound-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_PATIENCE)
        if closing.is_alive():
            log.warning("the audio driver does not let go; going on without it")

    def _publish(self) -> None:
        problems = (self._font_problem, self._audio_problem)
        self._state = replace(self._state, problems=tuple(p for p in problems if p is not None))
        self._on_change()


def _no_audio(drivers: list[str]) -> Problem:
    return Problem(
        code="no_audio",
        text=f"No audio device or sound server answers (tried: {', '.join(drivers) or 'none'}).",
        remedy="Connect a sound device or start the sound server. Flatjam tries again by itself "
        "and plays silently until then.",
    )


def _unknown_driver(driver: str, drivers: tuple[str, ...]) -> Problem:
    return Problem(
        code="no_audio",
        text=f"There is no audio driver '{driver}' here.",
        remedy=f"Choose one of: {', '.join(drivers) or 'none is offered'}.",
    )


def _audio_lost(driver: str | None) -> Problem:
    return Problem(
        code="audio_lost",
        text=f"The sound has stopped: '{driver}' does not take any more.",
        remedy="Check the device or the sound server, or choose another audio driver. Flatjam "
        "plays on silently and tries again by itself.",
    )
