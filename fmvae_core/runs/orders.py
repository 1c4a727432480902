"""What a run is told to do by those who watch it: a file with one word in its folder.

A file outlives window and process alike, needs no port, and is there when a run is resumed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from fmvae_core.files import replacing

ORDER_FILE = "order"

Order = Literal["run", "pause", "stop"]


def write_order(folder: Path, order: Order) -> None:
    """Tell a run what to do."""
    with replacing(folder / ORDER_FILE) as scratch:
        scratch.write_text(order, "utf-8")


def read_order(folder: Path) -> Order:
    """Return what a run is told to do; to run, where nobody has said anything."""
    try:
        text = (folder / ORDER_FILE).read_text("utf-8").strip()
    except FileNotFoundError:
        return "run"
    return next((order for order in get_args(Order) if order == text), "run")
