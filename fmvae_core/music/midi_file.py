"""MIDI files in and out."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from typing import Any, BinaryIO

import mido
from mido.midifiles import KeySignatureError

from fmvae_core.files import replacing
from fmvae_core.music.phrase import (
    BEATS_PER_BAR,
    MAX_TEMPO,
    MIN_TEMPO,
    STEP_BEATS,
    Note,
    Phrase,
)

TICKS_PER_BEAT = 480
DRUM_CHANNEL = 9
_NOTES = frozenset({"note_on", "note_off"})
_READ = _NOTES | {"set_tempo", "time_signature"}
_MAX_BARS = 20_000  # a hostile file can claim an end millions of bars away
_MAX_BYTES = 16 * 1024 * 1024
# A time may be written in any number of bytes, and mido's effort grows with the square of it.
_ENDLESS_NUMBER = re.compile(rb"[\x80-\xff]{1000}")


class MidiFileError(ValueError):
    """A MIDI file that cannot be used; the message says why and what to do."""


class NoNotesError(MidiFileError):
    """A MIDI file in which nothing is to be played."""


@dataclass(frozen=True)
class Performance:
    """A whole MIDI file, in beats from its start.

    Parameters
    ----------
    notes
        Sorted by onset.
    tempo
        The file's first tempo in beats a minute (120 where it has none).
    meter
        The file's first time signature, ``(numerator, denominator)``.
    is_drums
        Whether the notes are those of the drum channel.
    beats
        Length in beats: end of track, or of the last note where that lies earlier.
    """

    notes: tuple[Note, ...]
    tempo: float
    meter: tuple[int, int]
    is_drums: bool
    beats: float

    @property
    def bars(self) -> int:
        """Number of 4/4 bars that hold all onsets; an early downbeat counts to the bar it opens."""
        if not self.notes:
            return 0
        last = max(note.onset for note in self.notes)
        return int((last + 0.5 * STEP_BEATS) // BEATS_PER_BAR) + 1

    def phrase(self, bar: int, bars: int) -> Phrase:
        """Cut out a phrase.

        The window reaches from half a step before its first beat to half a step before its end, so
        an early downbeat belongs to the phrase it opens. A file that is no longer than the phrase
        is a loop: a hit in its last half step is the early downbeat of the loop's next turn.

        Parameters
        ----------
        bar
            First bar, from 0.
        bars
            Length in bars.
        """
        start = bar * BEATS_PER_BAR
        length = bars * BEATS_PER_BAR
        half = 0.5 * STEP_BEATS
        is_loop = bar == 0 and self.beats <= length + 1e-6
        cut = []
        for note in self.notes:
            onset = note.onset - start
            if is_loop and onset >= length - half:
                onset -= length
            if -half <= onset < length - half:
                cut.append(Note(onset, note.pitch, note.velocity, note.duration))
        return Phrase(tuple(cut), bars, min(MAX_TEMPO, max(MIN_TEMPO, self.tempo)), self.is_drums)


def read_midi(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    drums: bool | None = None,
    track: int | None = None,
) -> Performance:
    """Read a MIDI file.

    Parameters
    ----------
    source
        Path or open file.
    drums
        Whether to read what sounds on channel 10 or all the rest; by default channel 10 where
        something sounds there, as otherwise the file is a melody.
    track
        Number of the only track whose notes are read, counted from 1; all by default.

    Raises
    ------
    NoNotesError
        If nothing is to be played.
    MidiFileError
        If the file is missing, broken or too long.
    """
    name = str(source) if isinstance(source, (str, os.PathLike)) else "the MIDI data"
    try:
        if isinstance(source, (str, os.PathLike)):
            with open(source, "rb") as opened:
                data = opened.read(_MAX_BYTES + 1)
        else:
            data = source.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise MidiFileError(f"{name} does not exist; check the path") from None
    except OSError as error:
        raise MidiFileError(f"{name} cannot be read: {error.strerror or error}") from None
    if len(data) > _MAX_BYTES or _ENDLESS_NUMBER.search(data):
        raise MidiFileError(f"{name} is too large or too strange to be a MIDI file")
    try:
        file = mido.MidiFile(file=io.BytesIO(data))
    except (OSError, EOFError, ValueError, LookupError, TypeError, KeySignatureError) as error:
        raise MidiFileError(
            f"{name} is not a MIDI file that can be read ({str(error) or type(error).__name__}); "
            "export it again as a standard MIDI file (.mid)"
        ) from None
    if file.ticks_per_beat <= 0 or file.type not in (0, 1):
        raise MidiFileError(
            f"{name} has SMPTE time or independent tracks (type {file.type}); "
            "export it as a type 0 or 1 file with ticks a beat"
        )
    return _performance(file, name, drums, track)


def _performance(
    file: mido.MidiFile, name: str, drums: bool | None, track: int | None
) -> Performance:
    tempo: float | None = None
    meter: tuple[int, int] | None = None
    open_notes: dict[tuple[int, int], list[tuple[int, int]]] = {}
    finished: list[tuple[int, int, int, int, int]] = []  # channel, start, pitch, velocity, end

    for ticks, message in _in_time_order(file, track):
        if message.type == "set_tempo" and tempo is None:
            tempo = mido.tempo2bpm(message.tempo) if message.tempo else None
        elif message.type == "time_signature" and meter is None:
            meter = (message.numerator, message.denominator)
        elif message.type == "note_on" and message.velocity > 0:
            open_notes.setdefault((message.channel, message.note), []).append(
                (ticks, message.velocity)
            )
        elif message.type in ("note_on", "note_off"):
            started = open_notes.get((message.channel, message.note))
            if started:
                start, velocity = started.pop(0)
                finished.append((message.channel, start, message.note, velocity, ticks))
    end = max((sum(message.time for message in track) for track in file.tracks), default=0)
    for (channel, pitch), started in open_notes.items():
        finished.extend((channel, start, pitch, velocity, end) for start, velocity in started)

    if drums is None:
        drums = any(channel == DRUM_CHANNEL for channel, *_ in finished)
    finished = [entry for entry in finished if (entry[0] == DRUM_CHANNEL) == drums]
    if not finished:
        where = "" if track is None else f" in track {track} of {len(file.tracks)}"
        raise NoNotesError(f"{name} holds no {'notes on channel 10' if drums else 'notes'}{where}")
    if end > _MAX_BARS * BEATS_PER_BAR * file.ticks_per_beat:
        raise MidiFileError(f"{name} is longer than {_MAX_BARS} bars; cut it into pieces")

    unit = file.ticks_per_beat
    notes = tuple(
        sorted(
            Note(start / unit, pitch, velocity, max(end - start, 1) / unit)
            for _, start, pitch, velocity, end in finished
        )
    )
    return Performance(notes, tempo or 120.0, meter or (4, 4), drums, end / unit)


def _in_time_order(file: mido.MidiFile, only: int | None) -> list[tuple[int, Any]]:
    """Return the tempi and metres of all tracks and the notes of one or all, with absolute ticks.

    mido's own merge copies and checks every message again, which is most of the time that reading
    takes.
    """
    events = []
    for number, track in enumerate(file.tracks, start=1):
        wanted = _READ if only in (None, number) else _READ - _NOTES
        ticks = 0
        for message in track:
            ticks += message.time
            if message.type in wanted:
                events.append((ticks, message))
    events.sort(key=lambda event: event[0])
    return events


def read_phrase(
    path: str | os.PathLike[str], bars: int, bar: int = 0, *, drums: bool | None = None
) -> Phrase:
    """Read one phrase from a MIDI file; `drums` is that of `read_midi`.

    Raises
    ------
    MidiFileError
        If the file cannot be used or no note falls into the bars asked for.
    """
    performance = read_midi(path, drums=drums)
    phrase = performance.phrase(bar, bars)
    if not phrase.notes:
        raise MidiFileError(f"{path} has no note in bars {bar + 1} to {bar + bars}")
    return phrase


def midi_file(phrase: Phrase) -> mido.MidiFile:
    """Return a phrase as a type 0 MIDI file of exactly its length.

    An early downbeat is written where a loop plays it: at the file's end. `Performance.phrase`
    brings it back.
    """
    length = phrase.beats * TICKS_PER_BEAT
    # Note-offs come before note-ons of the same tick, so a repeated note is not cut short.
    events: list[tuple[int, int, mido.Message]] = []
    channel = DRUM_CHANNEL if phrase.is_drums else 0
    for note in phrase.notes:
        start = round(note.onset * TICKS_PER_BEAT) % length
        end = min(length, start + max(1, round(note.duration * TICKS_PER_BEAT)))
        on = mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=channel, note=note.pitch, velocity=0)
        events += [(start, 1, on), (end, 0, off)]
    events.sort(key=lambda event: event[:2])

    track = mido.MidiTrack()
    track.append(mido.MetaMessage("time_signature", numerator=4, denominator=4, time=0))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(phrase.tempo), time=0))
    now = 0
    for ticks, _, message in events:
        track.append(message.copy(time=ticks - now))
        now = ticks
    track.append(mido.MetaMessage("end_of_track", time=length - now))
    file = mido.MidiFile(type=0, ticks_per_beat=TICKS_PER_BEAT)
    file.tracks.append(track)
    return file


def write_midi(phrase: Phrase, path: str | os.PathLike[str]) -> None:
    """Write a phrase to a MIDI file; an existing file is replaced only once all is written."""
    with replacing(path) as scratch:
        midi_file(phrase).save(scratch)
