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

from fmvae_core.live.drivers import offered_drivers
from fmvae_core.live.fields import PAIRS
from fmvae_core.live.library import SoundError
from fmvae_core.live.messages import Problem, SetSound
from fmvae_core.live.priority import lower_priority
from fmvae_core.live.samplers import CHANNELS
from fmvae_core.live.sound_messages import Player, SetOutputs, SetSampler
from fmvae_core.live.soundfonts import find_soundfonts, no_soundfont
from fmvae_core.live.synth import SAMPLE_RATE, Synth
from fmvae_core.live.transport import Transport
from fmvae_core.live.voices import CLICK_CHANNEL, KEYS_CHANNEL, MELODY_CHANNEL

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
    pairs: int = 1
    human_soundfont: str | None = None
    machine_soundfont: str | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class _Lost:
    """The audio of a synth has stopped."""

    synth: Synth


_Wanted = SetSound | SetSampler | SetOutputs


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
        self._requests: queue.SimpleQueue[_Wanted | _Lost | None] = queue.SimpleQueue()
        self._state = SoundState()
        self._synth: Synth | None = None
        self._wanted_font = ""
        self._wanted_driver = ""
        self._fixed_driver = environ.get("FLATJAM_AUDIO_DRIVER", "")
        self._last_driver: str | None = None  # that worked
        self._player_fonts: dict[Player, str] = {"human": "", "machine": ""}
        self._font_problem: Problem | None = None
        self._player_problems: dict[Player, Problem | None] = {}
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

    def request(self, wanted: _Wanted) -> None:
        """Choose a font or driver; what cannot be had leaves the old one and becomes a problem.

        Of `SetSampler`, the SoundFont; of `SetOutputs`, which the transport must know already, the
        pairs.
        """
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
        lower_priority()  # a font takes a second of work, for which nobody is to wait
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
            match request:
                case _Lost():
                    self._recover(request.synth)
                case SetSound():
                    self._change(request)
                case SetSampler():
                    self._change_player(request)
                case SetOutputs():
                    self._rewire()

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
        if "no_fluidsynth" in self._problem_codes():
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
        for choice in choices:
            try:
                self._take_font(choice)
            except SoundError as error:
                log.warning("%s", error)
                self._font_problem = error.problem
            else:
                self._font_problem = None
                break
        if self._font_problem is None and self._wanted_font not in ("", *self._state.soundfonts):
            listed = (*self._state.soundfonts, self._wanted_font)
            self._state = replace(self._state, soundfonts=listed)

    def _take_font(self, path: Path) -> None:
        """Let everybody play a font but a player who has another one; what sounds goes on."""
        if self._synth is None:
            self._synth = Synth(path)
            for player in self._player_fonts:
                self._take_player_font(player)
            self._state = replace(self._state, driver=None)
        else:
            parts = [MELODY_CHANNEL, KEYS_CHANNEL, CLICK_CHANNEL]
            parts += [
                CHANNELS[player][0] for player, font in self._player_fonts.items() if not font
            ]
            self._synth.play_font(parts, self._synth.find_font(path) or Synth(path))
        self._state = replace(self._state, soundfont=str(path))

    def _change_player(self, wanted: SetSampler) -> None:
        if wanted.soundfont is None or "no_fluidsynth" in self._problem_codes():
            return
        before = self._player_fonts[wanted.player]
        self._player_fonts[wanted.player] = wanted.soundfont
        if not self._take_player_font(wanted.player):
            self._player_fonts[wanted.player] = before
        self._publish()

    def _take_player_font(self, player: Player) -> bool:
        """Let a player play the wanted font; return whether that could be done."""
        synth = self._synth
        if synth is None:
            return True  # it is done once there is one
        path = Path(self._player_fonts[player] or synth.soundfont)
        try:
            synth.play_font([CHANNELS[player][0]], synth.find_font(path) or Synth(path))
        except SoundError as error:
            problem = error.problem.model_copy(update={"code": f"bad_{player}_soundfont"})
            self._player_problems[player] = problem
            return False
        self._player_problems[player] = None
        return True

    def _wants_pairs(self) -> bool:
        outputs = self._transport.state.outputs
        return any(part.pair > 1 for part in (outputs.click, outputs.human, outputs.machine))

    def _rewire(self) -> None:
        """Open as many pairs of outputs as are wanted."""
        synth, driver = self._synth, self._state.driver
        wants_pairs = driver == "jack" and self._wants_pairs()
        if synth is not None and driver is not None and (synth.pairs > 1) != wants_pairs:
            self._open_audio()
        self._publish()

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
                wants_pairs = driver == "jack" and self._wants_pairs()
                synth.open_audio(driver, PAIRS if wants_pairs else 1)
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
        pairs = PAIRS if opened == "jack" else 1
        self._state = replace(
            self._state, driver=opened, sample_rate=synth.sample_rate, pairs=pairs
        )

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
            self._take_font(lost.soundfont)
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

    def _problem_codes(self) -> list[str]:
        return [problem.code for problem in self._state.problems]

    def _publish(self) -> None:
        problems = [self._font_problem, *self._player_problems.values(), self._audio_problem]
        driver = self._state.driver
        if driver is not None and self._state.pairs == 1 and self._wants_pairs():
            problems.append(_no_output(driver))
        self._state = replace(
            self._state,
            problems=tuple(problem for problem in problems if problem is not None),
            human_soundfont=self._player_fonts["human"] or None,
            machine_soundfont=self._player_fonts["machine"] or None,
        )
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


def _no_output(driver: str) -> Problem:
    return Problem(
        code="no_output",
        text=f"'{driver}' has one pair of outputs, and all is heard on that.",
        remedy="Choose pair 1, and its left or right side to tell things apart; or play through "
        "JACK, which has more pairs.",
    )
