"""What the engine understands and tells of MIDI ports, samplers and the jam.

Times are seconds of the engine's monotonic clock; beats of a take count from where its count-in
begins.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from fmvae_core.ipc import Message
from fmvae_core.jam.keeps import Keep
from fmvae_core.jam.messages import Cell, NamedAnchor, Partner, Point
from fmvae_core.jam.rules import How, Plays, Settings, State
from fmvae_core.live.control_messages import Assignment
from fmvae_core.live.fields import Latency, SevenBits, Tempo, Velocity
from fmvae_core.live.sound_messages import Player as Player  # the players' sound is part of it
from fmvae_core.live.sound_messages import SetSampler as SetSampler
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import Phrase

# --- to the engine ------------------------------------------------------------------------------


class SetMidi(Message):
    """Choose MIDI ports and what a kit's pitches mean; ``None`` leaves a thing as it is.

    Parameters
    ----------
    inputs
        Names of the ports to listen to, or parts of them. They are opened as soon as they are
        there, and again when they have been away.
    output
        The port that the machine plays to, besides the synth; empty for none.
    drum_map
        Key of the kit's map.
    pedal_decides
        Whether the kit sends one pitch for the hi-hat, and the pedal says whether it is open.
    tells_notes
        Whether each note that comes in is told, as it takes to learn a kit.
    """

    kind: Literal["set_midi"] = "set_midi"
    inputs: tuple[str, ...] | None = None
    output: str | None = None
    drum_map: str | None = None
    pedal_decides: bool | None = None
    tells_notes: bool | None = None


class PadHit(Message):
    """A pad on the screen or the computer's keyboard was hit: an input like any other."""

    kind: Literal["pad_hit"] = "pad_hit"
    drum: int = Field(ge=0, lt=len(DRUMS))
    velocity: Velocity = 100


class KeyMoved(Message):
    """A key on the screen or the computer's keyboard went down, or was let go (velocity 0)."""

    kind: Literal["key_moved"] = "key_moved"
    pitch: SevenBits
    velocity: SevenBits


class OfferAnswers(Message):
    """Say that this client answers each `AnswerRequest` that it is sent.

    Parameters
    ----------
    bars
        Length of the phrases of its model.
    plays
        What they are of. With melodies, MIDI inputs are keyboards.
    """

    kind: Literal["offer_answers"] = "offer_answers"
    bars: int = Field(ge=1)
    plays: Plays = "drums"


class StartJam(Message):
    """Begin a jam with its count-in; one that is going on ends.

    Parameters
    ----------
    settings, partner
        How it goes.
    tempo
        Beats a minute; as it is if none is given.
    click
        Whether it clicks after the count-in, too.
    journal
        File to write the take's journal to; one that exists is refused.
    is_recorded
        Whether each take without one is written to a new file of
        `fmvae_core.jam.journal.takes_dir`.
    seed
        Of the machine's answers.
    on_control
        Whether it only begins once it is started by a control, by OSC, or by the clock that is
        followed.
    """

    kind: Literal["start_jam"] = "start_jam"
    on_control: bool = False
    settings: Settings = Settings()
    partner: Partner = Partner()
    tempo: Tempo | None = None
    click: bool = True
    journal: Path | None = None
    is_recorded: bool = False
    seed: int = Field(default=0, ge=0)


class SetJam(Message):
    """Change how a jam goes, also before it begins; ``None`` leaves a thing as it is.

    Parameters
    ----------
    anchors
        What a control and OSC choose among, for answers to be pulled to.
    controls
        All notes and controllers that do something. They hold for every port: a note that is one
        is no hit.
    input_latency, output_latency
        Seconds from a hit to its message, and from what is played to its being heard. Hits count
        where the human heard the music when they were played; what leaves as MIDI leaves when the
        rest is heard.
    """

    kind: Literal["set_jam"] = "set_jam"
    settings: Settings | None = None
    partner: Partner | None = None
    click: bool | None = None
    input_latency: Latency | None = None
    output_latency: Latency | None = None
    controls: tuple[Assignment, ...] | None = None
    anchors: tuple[NamedAnchor, ...] | None = None


class StopJam(Message):
    """End the jam. What sounds ends by itself."""

    kind: Literal["stop_jam"] = "stop_jam"


class KeepPhrases(Message):
    """Save the last phrases of both players as a bookmark; answered by `Kept`."""

    kind: Literal["keep_phrases"] = "keep_phrases"


class Tap(Message):
    """A beat was tapped; from the second on, taps set the tempo."""

    kind: Literal["tap"] = "tap"


# --- from the engine ----------------------------------------------------------------------------


class MidiPortsState(Message):
    """The ports that are there, those that are open, and what is wanted and missing.

    ``is_known`` is false until they have been looked for. ``input_interfaces`` has the interface of
    each of ``inputs``, such as ALSA.
    """

    kind: Literal["midi_ports"] = "midi_ports"
    is_known: bool = False
    inputs: tuple[str, ...] = ()
    input_interfaces: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    open_inputs: tuple[str, ...] = ()
    output: str = ""
    missing: tuple[str, ...] = ()
    drum_map: str


class MidiActivity(Message):
    """Something came in; at most ten times a second."""

    kind: Literal["midi_activity"] = "midi_activity"
    time: float
    port: str


class NoteHeard(Message):
    """A note came in, whatever it means; see `SetMidi`."""

    kind: Literal["note_heard"] = "note_heard"
    port: str
    pitch: SevenBits
    velocity: Velocity


class JamState(Message):
    """Where the jam is; sent at each beat and at each change.

    Parameters
    ----------
    state
        Idle, count-in, listening or answering.
    bar, beat
        Of the turn or the count-in, from 1.
    bars
        Length of the turn that goes on; of the next one, where none does.
    time
        When this beat fell.
    can_answer
        Whether a model worker is there.
    finals, prepared, held, repeated, silent
        How many answers of this take were of each kind.
    take
        Journal of the take that is going on.
    """

    kind: Literal["jam_state"] = "jam_state"
    state: State
    bar: int
    beat: int
    bars: int
    tempo: float
    time: float
    can_answer: bool
    finals: int = 0
    prepared: int = 0
    held: int = 0
    repeated: int = 0
    silent: int = 0
    take: Path | None = None


class HumanHit(Message):
    """The human has hit a drum, on the kit or on the screen.

    Parameters
    ----------
    drum
        Index into `fmvae_core.music.drums.DRUMS`.
    velocity
        1 to 127.
    turn, onset, bars
        The turn that it belongs to, when in it, in beats, and how long that turn is; none where the
        machine does not listen to it.
    """

    kind: Literal["human_hit"] = "human_hit"
    drum: int
    velocity: int
    turn: int | None = None
    onset: float | None = None
    bars: int | None = None


class HumanKey(Message):
    """The human has pressed a key or let it go, on a keyboard or on the screen.

    Parameters
    ----------
    pitch
        MIDI pitch.
    velocity
        1 to 127; 0 where it is let go.
    turn, onset, bars
        The turn that it belongs to, when in it, in beats, and how long that turn is; none where the
        machine does not listen to it, or it is let go.
    """

    kind: Literal["human_key"] = "human_key"
    pitch: SevenBits
    velocity: SevenBits
    turn: int | None = None
    onset: float | None = None
    bars: int | None = None


class HumanHeard(Message):
    """The model has heard what the human has played of a turn so far.

    Parameters
    ----------
    turn
        Number of the turn.
    z
        Posterior mean of what was played.
    heard
        The hits that it decodes to.
    is_final
        Whether the phrase is complete.
    """

    kind: Literal["human_heard"] = "human_heard"
    turn: int
    z: Point
    heard: tuple[Cell, ...]
    is_final: bool


class HumanPhrase(Message):
    """The human's turn is over: what was played in it."""

    kind: Literal["human_phrase"] = "human_phrase"
    turn: int
    phrase: Phrase


class MachinePhrase(Message):
    """The machine begins to play.

    Parameters
    ----------
    turn
        In which it plays.
    phrase
        What it plays; empty where it is silent.
    how
        Whether the answer is final, prepared, held, repeated or none.
    z_human, z_machine, heard, sigma, changed_hits, broker
        As in `fmvae_core.jam.messages.Answer`; none where it is silent.
    """

    kind: Literal["machine_phrase"] = "machine_phrase"
    turn: int
    phrase: Phrase
    how: How
    z_human: Point | None = None
    z_machine: Point | None = None
    heard: tuple[Cell, ...] = ()
    sigma: float | None = None
    changed_hits: int | None = None
    broker: str = ""


class Kept(Message):
    """The last phrases of both players are saved in a file."""

    kind: Literal["kept"] = "kept"
    keep: Keep
    path: Path


class JamProblem(Message):
    """Something about the jam went wrong: what, and what to do about it.

    Whoever answers may send it to the engine, which tells every client.
    """

    kind: Literal["jam_problem"] = "jam_problem"
    text: str
    remedy: str


JamCommand = (
    SetMidi
    | PadHit
    | KeyMoved
    | OfferAnswers
    | StartJam
    | SetJam
    | StopJam
    | KeepPhrases
    | Tap
    | JamProblem
)
JamEvent = (
    MidiPortsState
    | MidiActivity
    | NoteHeard
    | JamState
    | HumanHit
    | HumanKey
    | HumanHeard
    | HumanPhrase
    | MachinePhrase
    | Kept
    | JamProblem
)
