from __future__ import annotations

import pytest

from fmvae_core.music.drums import DEFAULT_DRUM_MAP, DRUMS, drum_map, drum_maps

INDEX = {drum.key: index for index, drum in enumerate(DRUMS)}


def test_nine_categories_in_the_order_of_table_4() -> None:
    assert [drum.pitch for drum in DRUMS] == [36, 38, 50, 47, 43, 46, 42, 49, 51]


def test_every_map_plays_every_category_with_its_own_pitch() -> None:
    for kit in drum_maps().values():
        assert set(kit.categories.values()) == set(range(9))
        for index, drum in enumerate(DRUMS):
            assert kit.categories[drum.pitch] == index


def test_td11_folds_its_22_pitches_onto_the_categories() -> None:
    kit = drum_map(DEFAULT_DRUM_MAP)
    assert set(kit.categories) == {
        *(36, 38, 37, 40, 50, 48, 47, 45, 43, 58, 46, 26, 42, 22, 44, 49, 55, 57, 52, 51, 59, 53)
    }


def test_devices_disagree_about_toms() -> None:
    td11, gm = drum_map("roland-td-11"), drum_map("general-midi")
    assert td11.categories[45] == INDEX["low_mid_tom"]
    assert gm.categories[45] == INDEX["high_floor_tom"]
    assert td11.categories[48] == INDEX["high_tom"]
    assert gm.categories[48] == INDEX["low_mid_tom"]


def test_unknown_map_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'bongos'; choose one of: .*general-midi, roland-td-11"):
        drum_map("bongos")
