from __future__ import annotations

from pathlib import Path

import pytest

from fmvae_core.music.drums import DRUMS, DrumMapLearner, drum_map, drum_maps, save_drum_map


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLATJAM_CONFIG", str(tmp_path))
    return tmp_path


def names(key: str, *pitches: int) -> list[str]:
    return [DRUMS[drum_map(key).categories[pitch]].key for pitch in pitches]


def test_each_device_has_every_drum_and_its_own_toms() -> None:
    for kit in drum_maps().values():
        assert set(kit.categories.values()) == set(range(len(DRUMS))), kit.key
        assert {kit.categories[36], kit.categories[38]} == {0, 1}
    for key in ("roland-td-11", "roland-td-17", "alesis-nitro"):
        assert names(key, 48, 45, 43) == ["high_tom", "low_mid_tom", "high_floor_tom"]
    assert names("general-midi", 50, 48, 45) == ["high_tom", "low_mid_tom", "high_floor_tom"]
    assert names("alesis-nitro", 23, 41) == ["open_hi_hat", "high_floor_tom"]
    assert 27 not in drum_map("roland-td-17").categories


def test_a_map_is_learnt_by_hitting_each_pad_once_and_kept(config: Path) -> None:
    learner = DrumMapLearner(drum_map("general-midi"))
    for index, drum in enumerate(DRUMS):
        assert learner.wanted == drum
        if drum.key == "ride":
            learner.skip()
            continue
        assert learner.hit(60 + index)
        assert not learner.hit(60 + index), "a pad that rings is not the next drum"
    assert learner.wanted is None
    assert not learner.hit(99)
    saved = save_drum_map('My "Kit" 2', learner.categories)
    assert saved.key == "my-kit-2"
    assert drum_map("my-kit-2") == saved
    assert drum_maps()["my-kit-2"].title == 'My "Kit" 2'
    assert names("my-kit-2", 60, 61, 51) == ["bass", "snare", "ride"]
    assert list((config / "drum_maps").iterdir()) == [config / "drum_maps" / "my-kit-2.toml"]


def test_names_that_will_not_do_are_refused() -> None:
    with pytest.raises(ValueError, match="needs a name"):
        save_drum_map("!?", {})
    with pytest.raises(ValueError, match="ships with Flatjam"):
        save_drum_map("Roland TD-11", {})
    with pytest.raises(ValueError, match="choose one of: alesis-nitro"):
        drum_map("kazoo")


@pytest.mark.parametrize("text", ["title = ", 'title = "x"', 'title = "x"\nbass = 3'])
def test_a_file_that_cannot_be_read_is_named_and_does_no_harm(config: Path, text: str) -> None:
    (config / "drum_maps").mkdir()
    (config / "drum_maps" / "broken.toml").write_text(text)
    with pytest.raises(ValueError, match=r"broken\.toml cannot be read.*learn it again"):
        drum_map("broken")
    assert "broken" not in drum_maps()
    assert drum_map("roland-td-11").title == "Roland TD-11"
