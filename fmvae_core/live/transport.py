"""The transport: what plays, from command to synth, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from fmvae_core.live.clock import Clock
from fmvae_core.live.messages import SetTransport
from fmvae_core.live.samplers import CHANNELS, Samplers
from fmvae_core.live.scheduler import PlayPosition, Scheduler, Tag
from fmvae_core.live.sound_messages import Outputs, SamplerState, SetOutputs, SetSampler
from fmvae_core.live.synth import Synth
from fmvae_core.live.voices import CLICK_CHANNEL, SoundEvent
from fmvae_core.music.phrase import Phrase

_LEAD = 0.010  # seconds from Play to the first beat: time for its notes to reach the synth


@dataclass(frozen=True)
class TransportState:
    """What a window shows of the transport."""

    playing: bool = False
    tempo: float = 120.0
    loop: bool = True
    metronome: bool = False
    metronome_level: float = 0.7
    volume: float = 0.8
    instrument: int = 0
    human: SamplerState = field(default_factory=SamplerState)
    machine: SamplerState = field(default_factory=SamplerState)
    outputs: Outputs = field(default_factory=Outputs)


@dataclass(frozen=True)
class Swap:
    """A phrase took its place at ``time``; its first note will sound at ``first_new_time``."""

    time: float
    first_new_time: float | None


class Transport:
    """Plays a phrase through a synth, or silently while there is none.

    Every method may be called from any thread; none waits for anything but the lock.

    Parameters
    ----------
    clock
        The engine's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._lock = threading.RLock()
        self._clock = clock
        self._scheduler = Scheduler()
        self._synth: Synth | None = None
        self._samplers = Samplers()
        self._outputs = Outputs()
        self._metronome_level = TransportState.metronome_level
        self._volume = TransportState.volume
        self._instrument = TransportState.instrument
        self._fade = 1.0

    # --- the synth --------------------------------------------------------------------------------

    def attach(self, synth: Synth) -> None:
        """Sound through a synth whose audio driver is open."""
        with self._lock:
            self._synth = synth
            self._set_levels()
            synth.set_instrument(self._instrument)
            self._set_outputs()
            self._samplers.attach(synth)
            self._clock.attach(synth.read_tick)

    def detach(self) -> None:
        """Go on silently; the synth is not touched any more."""
        with self._lock:
            self._clock.detach()
            self._samplers.attach(None)
            self._synth = None

    def fade(self, level: float) -> None:
        """Scale the master volume by 0 to 1, until the next call."""
        with self._lock:
            self._fade = level
            self._set_levels()

    def _set_levels(self) -> None:
        if self._synth is not None:
            self._synth.set_volume(self._volume * self._fade)
            self._synth.set_click_level(self._metronome_level)

    def _set_outputs(self) -> None:
        if self._synth is not None:
            self._synth.set_output(CLICK_CHANNEL, self._outputs.click)
            for player, output in zip(
                CHANNELS.values(), (self._outputs.human, self._outputs.machine), strict=True
            ):
                for part in player:
                    self._synth.set_output(part, output)

    # --- state ------------------------------------------------------------------------------------

    @property
    def state(self) -> TransportState:
        """What plays, and how."""
        with self._lock:
            scheduler = self._scheduler
            return TransportState(
                playing=scheduler.is_playing,
                tempo=scheduler.tempo,
                loop=scheduler.loop,
                metronome=scheduler.metronome,
                metronome_level=self._metronome_level,
                volume=self._volume,
                instrument=self._instrument,
                human=self._samplers["human"],
                machine=self._samplers["machine"],
                outputs=self._outputs,
            )

    @property
    def is_playing(self) -> bool:
        """Whether the transport runs."""
        with self._lock:
            return self._scheduler.is_playing

    def position(self) -> tuple[float, PlayPosition]:
        """Return the time in seconds, and where the playhead is then."""
        with self._lock:
            now = self._clock.now()
            return now, self._scheduler.position(now)

    # --- commands ---------------------------------------------------------------------------------

    def play(self) -> None:
        """Start from the phrase's beginning, also while playing."""
        with self._lock:
            if self._scheduler.is_playing and self._synth is not None:
                self._synth.release()
            self._scheduler.start(self._clock.now() + _LEAD)
            self._advance()

    def stop(self) -> None:
        """Stop; sounding notes end by themselves."""
        with self._lock:
            self._scheduler.stop()
            if self._synth is not None:
                self._synth.release()

    def panic(self) -> None:
        """Stop, and be silent within one audio period."""
        with self._lock:
            self._scheduler.stop()
            if self._synth is not None:
                self._synth.silence()

    def set_phrase(self, phrase: Phrase, tag: Tag) -> Swap:
        """Put a phrase into the loop from the end of what is queued."""
        with self._lock:
            first = self._scheduler.set_phrase(phrase, tag)
            return Swap(self._clock.now(), first)

    def change(self, wanted: SetTransport) -> None:
        """Change tempo, loop, metronome, levels and instrument, as far as given."""
        with self._lock:
            if wanted.tempo is not None:
                self._scheduler.set_tempo(wanted.tempo)
            if wanted.loop is not None:
                self._scheduler.set_loop(wanted.loop)
            if wanted.metronome is not None:
                self._scheduler.metronome = wanted.metronome
            if wanted.metronome_level is not None:
                self._metronome_level = wanted.metronome_level
            if wanted.volume is not None:
                self._volume = wanted.volume
            if wanted.metronome_level is not None or wanted.volume is not None:
                self._set_levels()
            if wanted.instrument is not None:
                self._instrument = wanted.instrument
                if self._synth is not None:
                    self._synth.set_instrument(wanted.instrument)

    # --- the jam ----------------------------------------------------------------------------------

    def set_sampler(self, wanted: SetSampler) -> None:
        """Change how a player's drums sound."""
        with self._lock:
            self._samplers.change(wanted)

    def set_outputs(self, wanted: SetOutputs) -> None:
        """Let the click and the players be heard elsewhere, as far as there are such outputs."""
        with self._lock:
            given = {name: getattr(wanted, name) for name in Outputs.model_fields}
            given = {name: output for name, output in given.items() if output is not None}
            self._outputs = self._outputs.model_copy(update=given)
            self._set_outputs()

    def follow(self, phrase: Phrase) -> None:
        """Let the machine's level go with what the human has played, if it is to."""
        with self._lock:
            self._samplers.follow(phrase)

    def strike(self, pitch: int, velocity: int) -> None:
        """Sound a hit of the human's at once."""
        with self._lock:
            self._samplers.hit(self._clock.now(), pitch, velocity)

    def key(self, pitch: int, velocity: int) -> None:
        """Sound a key of the human's at once; a velocity of 0 lets it go."""
        with self._lock:
            self._samplers.key(self._clock.now(), pitch, velocity)

    def choke(self, pitch: int) -> None:
        """End what the human has hit: a hand has grabbed the cymbal."""
        with self._lock:
            self._samplers.choke(pitch)

    def sound(self, events: Sequence[SoundEvent]) -> None:
        """Queue what somebody else has planned; its times are those of the engine's clock."""
        with self._lock:
            if events and self._synth is not None:
                self._synth.play(events, self._clock.tick)

    def release(self) -> None:
        """Forget what is queued and let sounding notes end by themselves."""
        with self._lock:
            if self._synth is not None:
                self._synth.release()

    # --- time -------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Queue what falls due; to be called every hundredth of a second while playing.

        Also keeps the clock in step with the audio, so at least some times a second when stopped.
        """
        with self._lock:
            self._clock.observe()
            self._samplers.wake(self._clock.now())
            self._advance()

    def take_lost_synth(self) -> Synth | None:
        """Return the synth if its audio has stopped, and go on without; else ``None``."""
        with self._lock:
            if not self._clock.is_lost:
                return None
            synth = self._synth
            self.detach()
            return synth

    def _advance(self) -> None:
        events = self._scheduler.advance(self._clock.now())
        if events and self._synth is not None:
            self._synth.play(events, self._clock.tick)
