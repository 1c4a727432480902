from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from fmvae_core.live.library import SoundError
from fmvae_core.live.render import render
from fmvae_core.music.instruments import CELLO, PIANO
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.live.phrases import rock_beat, ticking


def read(path: Path) -> tuple[int, npt.NDArray[np.float64]]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (2, 2)
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
        return file.getframerate(), data / 32768.0


def starts(sound: npt.NDArray[np.float64], rate: int) -> list[float]:
    above = np.flatnonzero(np.abs(sound).max(axis=1) > 0.02)
    begins = np.flatnonzero(np.diff(above, prepend=-(10**9)) > 0.06 * rate)
    return [float(above[i]) / rate for i in begins]


def test_it_has_the_length_and_the_hits_of_the_phrase(tmp_path: Path, soundfont: Path) -> None:
    path = tmp_path / "new folder" / "out.wav"
    render(ticking(tempo=120.0), path, soundfont, turns=2, tail=0.5)
    rate, sound = read(path)
    assert rate == 44_100
    assert len(sound) == round((2 * 2.0 + 0.5) * rate)
    heard = starts(sound, rate)
    assert heard == pytest.approx([i * 0.5 + heard[0] for i in range(8)], abs=0.004)
    assert heard[0] < 0.01


def test_an_early_downbeat_is_not_lost_at_the_seam_nor_added_at_the_end(
    tmp_path: Path, soundfont: Path
) -> None:
    phrase = Phrase((Note(-0.1, 42, 110), Note(2.0, 42, 110)), 1, 60.0)
    render(phrase, tmp_path / "out.wav", soundfont, turns=2, tail=1.0, sample_rate=22_050)
    rate, sound = read(tmp_path / "out.wav")
    assert starts(sound, rate) == pytest.approx([0.0, 2.0, 3.9, 6.0], abs=0.01)


def test_two_phrases_sound_different_and_one_sounds_the_same(
    tmp_path: Path, soundfont: Path
) -> None:
    sounds = []
    for name, phrase in (("a", rock_beat()), ("b", rock_beat()), ("c", ticking(bars=2))):
        render(phrase, tmp_path / f"{name}.wav", soundfont)
        sounds.append((tmp_path / f"{name}.wav").read_bytes())
    assert sounds[0] == sounds[1] != sounds[2]


def test_it_tells_how_far_it_is_and_can_be_ended(tmp_path: Path, soundfont: Path) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"precious")
    told: list[tuple[int, int]] = []

    def end_half_way(done: int, total: int) -> None:
        told.append((done, total))
        if 2 * done >= total:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        render(ticking(), path, soundfont, progress=end_half_way)
    assert told[-1][0] == pytest.approx(told[-1][1] / 2, abs=441)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]

    told.clear()
    render(ticking(), path, soundfont, progress=lambda done, total: told.append((done, total)))
    assert len(read(path)[1]) == told[-1][0] == told[-1][1]
    assert told == sorted(told)


def test_a_melody_sounds_on_its_instrument(tmp_path: Path, soundfont: Path) -> None:
    tune = Phrase((Note(0.0, 48, 90, 2.0), Note(2.0, 52, 90, 2.0)), 1, 120.0, is_drums=False)
    for name, instrument in (("piano", PIANO), ("cello", CELLO)):
        render(tune, tmp_path / name, soundfont, tail=0.2, instrument=instrument)
        assert 0.02 < np.abs(read(tmp_path / name)[1]).max() < 1.0
    assert (tmp_path / "piano").read_bytes() != (tmp_path / "cello").read_bytes()
    with pytest.raises(ValueError, match="instrument is 128"):
        render(tune, tmp_path / "none", soundfont, instrument=128)


def test_volume(tmp_path: Path, soundfont: Path) -> None:
    peaks = []
    for volume in (1.0, 0.5):
        render(rock_beat(), tmp_path / "out.wav", soundfont, volume=volume)
        peaks.append(np.abs(read(tmp_path / "out.wav")[1]).max())
    assert peaks[1] == pytest.approx(0.25 * peaks[0], rel=0.02)


@pytest.mark.parametrize(
    "wrong", [{"turns": 0}, {"tail": -1.0}, {"sample_rate": 100}, {"volume": 1.5}]
)
def test_a_number_out_of_range_is_refused(
    tmp_path: Path, soundfont: Path, wrong: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        render(rock_beat(), tmp_path / "out.wav", soundfont, **wrong)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_bad_font_or_none_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.wav"
    path.write_bytes(b"precious")
    with pytest.raises(SoundError, match="SoundFont"):
        render(rock_beat(), path, Path(__file__))
    monkeypatch.setenv("FLATJAM_SOUNDFONTS", "")
    with pytest.raises(SoundError, match=r"\.sf2"):
        render(rock_beat(), path)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]
