"""docs/jam.md tells of all that steers a jam, and of nothing else."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from fmvae_core.live.control_messages import SWITCHES, Setting
from fmvae_core.live.osc import OscSwitch

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "jam.md").read_text("utf-8")


def first_column(heading: str) -> set[str]:
    """Return what stands in back quotes in the first column of a section's tables."""
    section = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (.*?) \|", section, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(.*?)`", cell)}


def test_every_control_is_in_the_table() -> None:
    assert first_column("Pads, pedals and knobs") == SWITCHES | set(get_args(Setting))


def test_every_osc_message_is_in_the_tables() -> None:
    settings = {name.partition(":")[0] for name in get_args(Setting)}
    taken = {f"/flatjam/{name}" for name in {*get_args(OscSwitch), *settings}}
    told = {"/flatjam/state", "/flatjam/bar", "/flatjam/beat"}
    assert first_column("OSC") == taken | told
