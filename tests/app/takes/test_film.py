"""A take as a video with sound, made by a real process without a screen."""

from __future__ import annotations

import threading
from pathlib import Path

import av
import numpy as np
import pytest

from app.takes import exports
from app.takes.replay_presenter import OpenTake
from app.takes.takes_presenter import open_take
from fmvae_core.models.bundle import Bundle
from tests.app.takes.recordings import recorded
from tests.fmvae_core.jam.recordings import Plan

SHORT = Plan(tempo=220.0, hits=((4.0, 100), (5.0, 100)), end=14.0)


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> OpenTake:
    path = recorded(tmp_path_factory.mktemp("take") / "evening.jsonl", bundle, SHORT)
    take = open_take(path, "an evening", bundle, ())
    assert take.bundle is not None
    return take


def test_a_film_shows_and_sounds_what_was_played(take: OpenTake, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = tmp_path / "film.mp4"
    exports.work("video", take, path, None, "pca")(lambda *progress: told.append(progress))
    seconds = take.replay.seconds + 1.5
    assert told[0][0] == 0
    assert told[-1][1] == round(30 * seconds)
    with av.open(str(path)) as film:
        pictures = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    with av.open(str(path)) as film:
        sound = np.concatenate([frame.to_ndarray() for frame in film.decode(audio=0)], axis=1)
    assert len(pictures) == round(30 * seconds)
    assert pictures[0].shape == (720, 1280, 3)
    assert sound.shape[1] / 44_100 == pytest.approx(seconds, abs=0.1)
    assert np.abs(sound).max() > 0.05

    def picture(beat: float) -> np.ndarray:
        return pictures[round(30 * take.replay.time(beat))].astype(int)

    # The banner is warm while the human plays, cool while the machine does.
    human, machine = (picture(beat)[4:80, 500:700].mean(axis=(0, 1)) for beat in (5.5, 9.5))
    assert human[0] > human[2] + 10
    assert machine[2] > machine[0] + 10
    # Players appear on the map once their phrases are known, and in the grids as they play.
    assert np.abs(picture(9.8) - picture(7.0))[100:440].max() > 80
    assert np.abs(picture(5.8) - picture(3.9))[480:670, :640].max() > 80


class Enough(Exception):
    pass


def test_a_film_that_is_given_up_leaves_nothing(take: OpenTake, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise Enough

    with pytest.raises(Enough):
        exports.work("video", take, tmp_path / "film.mp4", None, "attributes")(stop)
    assert list(tmp_path.iterdir()) == []
    assert "film" not in {thread.name for thread in threading.enumerate()}


def test_a_film_that_cannot_be_written_tells_why(take: OpenTake, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file"):
        exports.work("video", take, tmp_path / "file" / "film.mp4", None, "attributes")(
            lambda done, total: None
        )
