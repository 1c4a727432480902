"""A take as sound: each hit where it was played, at the level of its player."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fmvae_core.jam.export import human_notes, machine_notes
from fmvae_core.jam.journal import Journal
from fmvae_core.jam.records import Answered, AnyRecord
from fmvae_core.jam.replay import Replay
from fmvae_core.live.library import SoundError
from fmvae_core.live.render_take import render_take
from fmvae_core.live.sound_messages import SetSampler
from tests.fmvae_core.jam.recordings import Plan, record
from tests.fmvae_core.live.small_font import write_font


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    hits = ((4.0, 110), (6.0, 110), (13.0, 110))
    plan = Plan(hits=hits, changes=((17.0, "faster"),), end=30.0)
    journal = record(tmp_path_factory.mktemp("take"), plan)
    return replace(journal, records=tuple(louder(each) for each in journal.records))


def louder(record: AnyRecord) -> AnyRecord:
    """Let the machine, which whispers in recordings of tests, be heard."""
    if not isinstance(record, Answered):
        return record
    phrase = record.answer.phrase
    notes = tuple(replace(note, velocity=100) for note in phrase.notes)
    answer = record.answer.model_copy(update={"phrase": replace(phrase, notes=notes)})
    return record.model_copy(update={"answer": answer})


def sound_of(path: Path) -> tuple[npt.NDArray[np.float64], int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return samples.reshape(-1, 2) / 32_768.0, file.getframerate()


def loudness(sound: npt.NDArray[np.float64], rate: int, time: float) -> npt.NDArray[np.float64]:
    """RMS of both sides in the 80 ms from a time on."""
    piece = sound[round(time * rate) : round((time + 0.08) * rate)]
    return np.sqrt((piece**2).mean(axis=0))


def test_everything_sounds_where_it_was_played(
    tmp_path: Path, journal: Journal, soundfont: Path
) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "take.wav"
    render_take(journal, path, soundfont, progress=lambda done, total: told.append((done, total)))
    sound, rate = sound_of(path)
    replay = Replay(journal)
    assert len(sound) / rate == pytest.approx(replay.seconds + 1.5, abs=0.01)
    assert 0.05 < np.abs(sound).max() < 1.0
    played = [note.onset for note in (*human_notes(journal), *machine_notes(journal))]
    for beat in (0.0, 1.0, 2.0, 3.0, *played):  # with the clicks of the count-in
        assert loudness(sound, rate, replay.time(beat)).min() > 0.004, beat
    quiet = loudness(sound, rate, replay.time(5.7))
    assert loudness(sound, rate, replay.time(6.0)).min() > 3 * quiet.max()
    assert told == sorted(told)
    assert told[-1][1] == len(sound)


def test_each_player_sounds_as_it_is_set_up(
    tmp_path: Path, journal: Journal, soundfont: Path
) -> None:
    samplers = (
        SetSampler(player="human", sounds=False, pan=-1.0),  # on the record it sounds all the same
        SetSampler(player="machine", level=0.0),
    )
    render_take(journal, tmp_path / "take.wav", soundfont, samplers)
    sound, rate = sound_of(tmp_path / "take.wav")
    replay = Replay(journal)
    left, right = loudness(sound, rate, replay.time(4.0))
    assert left > 1.8 * right
    beat = next(note.onset for note in machine_notes(journal))
    assert loudness(sound, rate, replay.time(beat)).max() < 0.1 * left


def test_each_player_may_have_a_soundfont_of_its_own(tmp_path: Path, journal: Journal) -> None:
    common = write_font(tmp_path / "common.sf2", hertz=400.0)
    own = write_font(tmp_path / "own.sf2", hertz=1000.0)
    path = tmp_path / "take.wav"
    render_take(journal, path, common, (SetSampler(player="human", soundfont=str(own)),))
    sound, rate = sound_of(path)
    replay = Replay(journal)

    def share_of_own(beat: float) -> float:
        """Return how much of what is heard in the 50 ms from a beat on is the human's font."""
        first = round(replay.time(beat) * rate)
        power = np.abs(np.fft.rfft(sound[first : first + rate // 20].mean(axis=1))) ** 2
        return float(power[45:56].sum() / power.sum())  # 900 to 1100 hertz

    assert share_of_own(human_notes(journal)[0].onset) > 0.8
    assert share_of_own(machine_notes(journal)[0].onset) < 0.2
    missing = SetSampler(player="machine", soundfont=str(tmp_path / "no.sf2"))
    with pytest.raises(SoundError):
        render_take(journal, tmp_path / "none.wav", common, (missing,))
    assert not (tmp_path / "none.wav").exists()


class Enough(Exception):
    pass


def test_what_is_given_up_leaves_the_file_as_it_was(
    tmp_path: Path, journal: Journal, soundfont: Path
) -> None:
    path = tmp_path / "take.wav"
    path.write_text("an older one")

    def stop(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        render_take(journal, path, soundfont, progress=stop)
    assert path.read_text() == "an older one"
    assert list(tmp_path.iterdir()) == [path]
