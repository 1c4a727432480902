from __future__ import annotations

import io
import struct
from collections import Counter
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.music.drum_representation import (
    HITS,
    OFFSETS,
    VELOCITIES,
    DrumRepresentation,
    Frames,
)
from fmvae_core.music.midi_file import (
    TICKS_PER_BEAT,
    MidiFileError,
    midi_file,
    read_midi,
    read_phrase,
    write_midi,
)
from fmvae_core.music.phrase import BEATS_PER_BAR, STEP_BEATS, Note, Phrase
from tests.fmvae_core.music.strategies import drum_frames, grooves, phrases

TICK = 1 / TICKS_PER_BEAT  # beats


def through_a_file(phrase: Phrase) -> Phrase:
    buffer = io.BytesIO()
    midi_file(phrase).save(file=buffer)
    buffer.seek(0)
    return read_midi(buffer).phrase(0, phrase.bars)


def saved(*messages: mido.Message | mido.MetaMessage, type: int = 1, ticks: int = 480) -> bytes:
    file = mido.MidiFile(type=type, ticks_per_beat=ticks)
    file.tracks.append(mido.MidiTrack(messages))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


def hit(time: int = 0, note: int = 38, velocity: int = 100, channel: int = 9) -> mido.Message:
    return mido.Message("note_on", channel=channel, note=note, velocity=velocity, time=time)


def read(data: bytes):
    return read_midi(io.BytesIO(data))


# --- round trips ------------------------------------------------------------------------------


@given(phrases())
def test_file_keeps_every_note(phrase: Phrase) -> None:
    back = through_a_file(phrase)
    assert (back.bars, back.is_drums) == (phrase.bars, phrase.is_drums)
    assert back.tempo == pytest.approx(phrase.tempo, rel=1e-5)
    assert len(back.notes) == len(phrase.notes)
    # Time goes round in a loop: the last half step is where the next turn's early downbeats lie.
    for written, found in zip(looped(phrase), looped(back), strict=True):
        assert (found.pitch, found.velocity) == (written.pitch, written.velocity)
        assert found.onset == pytest.approx(written.onset, abs=1e-9)


def looped(phrase: Phrase) -> list[Note]:
    """Return the notes in whole ticks of the loop, in order."""
    ticks = phrase.beats * TICKS_PER_BEAT
    return sorted(
        Note(round(note.onset * TICKS_PER_BEAT) % ticks, note.pitch, note.velocity)
        for note in phrase.notes
    )


@given(grooves())
def test_file_keeps_grid_velocity_and_micro_timing(phrase: Phrase) -> None:
    drums = DrumRepresentation(phrase.bars)
    before, after = drums.encode(phrase), drums.encode(through_a_file(phrase))
    np.testing.assert_array_equal(after[:, HITS], before[:, HITS])
    np.testing.assert_array_equal(after[:, VELOCITIES], before[:, VELOCITIES])
    one_tick = 2 * TICK / STEP_BEATS
    np.testing.assert_allclose(after[:, OFFSETS], before[:, OFFSETS], rtol=0, atol=one_tick)


@given(drum_frames())
def test_frames_come_back_from_a_file(frames: Frames) -> None:
    drums = DrumRepresentation(2)
    back = drums.encode(drums.decode(frames))
    written = drums.decode(frames)
    after = drums.encode(through_a_file(written)) if written.notes else back
    for other in (back, after):
        np.testing.assert_array_equal(other[:, HITS], frames[:, HITS])
        np.testing.assert_allclose(
            other[:, VELOCITIES], frames[:, VELOCITIES], rtol=0, atol=0.5 / 127
        )
        one_tick = 2 * TICK / STEP_BEATS
        np.testing.assert_allclose(
            other[:, OFFSETS], frames[:, OFFSETS], rtol=0, atol=one_tick + 1e-6
        )


def test_file_is_as_long_as_the_phrase() -> None:
    file = midi_file(Phrase((Note(0.5, 36, 90),), bars=2))
    assert sum(message.time for message in file.tracks[0]) == 2 * BEATS_PER_BAR * TICKS_PER_BEAT


def test_early_downbeat_is_written_where_the_loop_plays_it() -> None:
    phrase = Phrase((Note(-0.05, 36, 90), Note(4.0, 38, 80)), bars=2)
    ons = []
    ticks = 0
    for message in midi_file(phrase).tracks[0]:
        ticks += message.time
        if message.type == "note_on":
            ons.append((ticks, message.note))
    assert ons == [(4 * TICKS_PER_BEAT, 38), (8 * TICKS_PER_BEAT - 24, 36)]
    first = through_a_file(phrase).notes[0]
    assert first.onset == pytest.approx(-0.05)


def test_repeated_note_is_not_cut_short() -> None:
    phrase = Phrase((Note(0.0, 60, 90, 1.0), Note(1.0, 60, 80, 1.0)), 1, is_drums=False)
    assert through_a_file(phrase) == phrase


def test_write_and_read_phrase(tmp_path: Path) -> None:
    phrase = Phrase((Note(0.25, 38, 77), Note(6.5, 42, 12)), bars=2, tempo=100.0)
    write_midi(phrase, tmp_path / "new" / "groove.mid")
    assert read_phrase(tmp_path / "new" / "groove.mid", bars=2) == phrase
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["groove.mid"]


def test_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "groove.mid"
    write_midi(Phrase((Note(0.0, 36, 90),), 1), path)
    before = path.read_bytes()
    too_slow = Phrase((Note(0.0, 36, 90),), 1)
    object.__setattr__(too_slow, "tempo", 1.0)  # more microseconds a beat than a file can say
    with pytest.raises(ValueError, match="16777215"):
        write_midi(too_slow, path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["groove.mid"]


# --- cutting a performance ----------------------------------------------------------------------


def test_window_reaches_from_half_a_step_early_to_half_a_step_before_its_end() -> None:
    bar = 4 * 480
    data = saved(hit(bar - 61), hit(1), hit(60 + bar - 61), hit(1), hit(3 * bar))
    onsets = [note.onset for note in read(data).phrase(1, 1).notes]
    assert onsets == [-60 / 480, 4 - 61 / 480]


def test_bars_count_an_early_downbeat_to_the_bar_it_opens() -> None:
    bar = 4 * 480
    assert read(saved(hit(bar - 61))).bars == 1
    assert read(saved(hit(bar - 60))).bars == 2


def test_drum_channel_wins_over_melody() -> None:
    performance = read(saved(hit(channel=0, note=60), hit(note=36)))
    assert performance.is_drums
    assert [note.pitch for note in performance.notes] == [36]


def test_melody_is_read_where_no_drums_are() -> None:
    performance = read(saved(hit(channel=0, note=60)))
    assert not performance.is_drums
    assert [note.pitch for note in performance.notes] == [60]


def test_note_that_never_ends_lasts_to_the_end_of_the_file() -> None:
    data = saved(hit(), mido.MetaMessage("end_of_track", time=960))
    assert read(data).notes == (Note(0.0, 38, 100, 2.0),)


def test_note_on_without_velocity_ends_the_note() -> None:
    assert read(saved(hit(), hit(time=120, velocity=0))).notes == (Note(0.0, 38, 100, 0.25),)


def test_tempo_and_meter_are_the_first_ones() -> None:
    data = saved(
        mido.MetaMessage("set_tempo", tempo=500_000),
        mido.MetaMessage("time_signature", numerator=6, denominator=8),
        hit(),
        mido.MetaMessage("set_tempo", tempo=250_000, time=10),
        mido.MetaMessage("time_signature", numerator=3, denominator=4),
    )
    assert (read(data).tempo, read(data).meter) == (120.0, (6, 8))


@pytest.mark.parametrize(("tempo", "expected"), [(1, 400.0), (16_777_215, 20.0), (0, 120.0)])
def test_impossible_tempo_gives_the_nearest_possible(tempo: int, expected: float) -> None:
    performance = read(saved(mido.MetaMessage("set_tempo", tempo=tempo), hit()))
    assert performance.phrase(0, 1).tempo == expected


# --- files that cannot be used --------------------------------------------------------------------

GOOD = saved(hit(), mido.Message("note_off", channel=9, note=38, time=120))


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">L", len(data)) + data


def file_of(track: bytes, type: int = 0, division: int = 480) -> bytes:
    return chunk(b"MThd", struct.pack(">hhh", type, 1, division)) + chunk(b"MTrk", track)


BROKEN = {
    "empty": b"",
    "text": b"drums: bass, snare\n" * 10,
    "a zip": b"PK\x03\x04" + bytes(100),
    "header alone": GOOD[:14],
    "half a header": GOOD[:9],
    "cut in the track": GOOD[:-6],
    "no notes": saved(mido.MetaMessage("set_tempo", tempo=500_000)),
    "SMPTE time": file_of(b"\x00\x99\x26\x64\x00\xff\x2f\x00", division=-25 * 256 + 40),
    "no ticks": file_of(b"\x00\x99\x26\x64\x00\xff\x2f\x00", division=0),
    "type 2": saved(hit(), type=2),
    "type 7": file_of(b"\x00\x99\x26\x64\x00\xff\x2f\x00", type=7),
    "huge delta": file_of(b"\x00\x99\x26\x64" + b"\xff" * 40 + b"\x7f\x89\x26\x00"),
    "endless delta": file_of(b"\xff" * 2_000_000),
    "data byte above 127": file_of(b"\x00\x99\xa6\x64\x00\xff\x2f\x00"),
    "no status byte": file_of(b"\x00\x26\x64\x00\xff\x2f\x00"),
    "broken key signature": file_of(b"\x00\xff\x59\x02\x10\x05\x00\xff\x2f\x00"),
    "message of a gigabyte": file_of(b"\x00\xff\x01\x84\x80\x80\x80\x00"),
    "too large": file_of(b"\x00\xff\x2f\x00") + bytes(17 * 1024 * 1024),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_file_is_refused_by_name(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "strange.mid"
    path.write_bytes(BROKEN[kind])
    with pytest.raises(MidiFileError, match=r"strange\.mid"):
        read_midi(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MidiFileError, match="does not exist"):
        read_midi(tmp_path / "nothing.mid")
    with pytest.raises(MidiFileError, match="cannot be read"):
        read_midi(tmp_path)


def test_empty_bars_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "groove.mid"
    path.write_bytes(GOOD)
    with pytest.raises(MidiFileError, match="no note in bars 5 to 6"):
        read_phrase(path, bars=2, bar=4)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Draw a MIDI file that something has happened to."""
    data = bytearray(
        saved(
            mido.MetaMessage("set_tempo", tempo=500_000),
            mido.MetaMessage("time_signature", numerator=4, denominator=4),
            mido.MetaMessage("key_signature", key="Eb"),
            mido.MetaMessage("track_name", name="groove"),
            mido.Message("sysex", data=(1, 2, 3)),
            mido.Message("program_change", channel=9, program=3),
            hit(),
            hit(120, 42, 3),
            mido.Message("note_off", channel=9, note=38, time=120),
        )
    )
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data) - 1))
        match draw(st.integers(0, 3)):
            case 0 | 1:
                data[at] = draw(st.integers(0, 255))
            case 2:
                data[at:at] = draw(st.binary(min_size=1, max_size=8))
            case 3 if at:
                del data[at:]
    return bytes(data)


@given(mangled() | st.binary(max_size=64) | st.binary(max_size=64).map(file_of))
def test_no_bytes_give_another_error(data: bytes) -> None:
    try:
        performance = read(data)
    except MidiFileError:
        return
    assert performance.notes
    assert performance.phrase(0, 2).bars == 2


@given(phrases())
def test_reading_does_not_depend_on_the_tracks(phrase: Phrase) -> None:
    """A type 1 file with one track a pitch holds the same music as a type 0 file."""
    single = midi_file(phrase)
    ticks = 0
    tracks: dict[int | None, list[tuple[int, mido.Message]]] = {None: []}
    for message in single.tracks[0]:
        ticks += message.time
        pitch = None if message.is_meta else message.note
        tracks.setdefault(pitch, []).append((ticks, message))
    split = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT)
    for timed in tracks.values():
        now = 0
        track = mido.MidiTrack()
        for at, message in timed:
            track.append(message.copy(time=at - now))
            now = at
        split.tracks.append(track)
    buffer = io.BytesIO()
    split.save(file=buffer)
    found, expected = read(buffer.getvalue()), through_a_file(phrase)
    assert Counter(found.phrase(0, phrase.bars).notes) == Counter(expected.notes)
