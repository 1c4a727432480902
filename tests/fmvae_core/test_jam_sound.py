from __future__ import annotations

from pathlib import Path

import pytest

from fmvae_core.cli.jam_sound import outputs_of, samplers_of
from fmvae_core.live.fields import Output


def test_samplers_are_read(tmp_path: Path) -> None:
    font = tmp_path / "my font.sf2"
    font.touch()
    reverb, kit, own, common = samplers_of(
        ["human.reverb=0.3", "machine.kit=8", f"machine.soundfont={font}", "human.soundfont="]
    )
    assert (reverb.player, reverb.reverb, reverb.level) == ("human", 0.3, None)
    assert (kit.player, kit.kit) == ("machine", 8)
    assert own.soundfont == str(font)
    assert common.soundfont == ""


@pytest.mark.parametrize(
    "text",
    [
        "human",
        "human.reverb",
        "human.reverb=2",
        "nobody.level=0.5",
        "human.volume=0.5",
        "human.follow=1",
        "human.soundfont=/nowhere/x.sf2",
    ],
)
def test_what_is_no_sampler_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"; (write|check)"):
        samplers_of([text])


def test_outputs_are_read() -> None:
    wanted = outputs_of(["click=2:left", "human=right", "machine=3"])
    assert wanted.click == Output(pair=2, side="left")
    assert wanted.human == Output(side="right")
    assert wanted.machine == Output(pair=3)
    assert outputs_of([]).click is None


@pytest.mark.parametrize(
    "text", ["click", "click=", "click=9", "click=up", "drums=2", "click=2:up"]
)
def test_what_is_no_output_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="click=2:left"):
        outputs_of([text])
