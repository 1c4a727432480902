"""Fine-tuning the shipped bundle on a folder of grooves of one drummer that it has not learnt."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

from fmvae_core.data.corpus import SourcePerformance
from fmvae_core.data.groove import GrooveFiles, load_groove
from fmvae_core.evaluation.coding import music_of
from fmvae_core.evaluation.reconstruction import reconstruction
from fmvae_core.files import resource
from fmvae_core.inference.networks import Networks
from fmvae_core.models.bundle import Bundle
from fmvae_core.training.publish import publish
from fmvae_core.training.run import configure, train

_DRUMMERS = ("drummer7", "drummer1")
_FILES = 50
_MINUTES = 10.0
_SEED = 1
_KIT = "roland-td-11"


def measure() -> dict[str, Any]:
    """Return F1 of hits on unseen files of a drummer, before and after, and the minutes it took.

    50 files of the drummer are put into a folder and learnt from as a user would, for ten minutes
    at most, with all processors. All files, learnt and unseen, are of the validation and test
    files of the Groove corpus: the shipped bundle has learnt none of them.
    """
    data = os.environ.get("FLATJAM_DATA")
    if not data:
        print("  FLATJAM_DATA does not name a folder with the Groove zip", file=sys.stderr)
        return {}
    files, groove = GrooveFiles(Path(data)), load_groove(Path(data))
    shipped = resource("models", "drums-2bar")
    made: dict[str, Any] = {}
    for drummer in _DRUMMERS:
        sources = [
            source
            for source in groove.performances
            if source.split != "training" and source.drummer == drummer
        ]
        order = np.random.default_rng(_SEED).permutation(len(sources)).tolist()
        rest = tuple(replace(sources[index], split="test") for index in order[_FILES:])
        unseen = replace(groove, performances=rest)
        played = unseen.cut(unseen.windows(2))
        with tempfile.TemporaryDirectory() as folder:
            own = Path(folder) / "grooves"
            _unpack(files, [sources[index] for index in order[:_FILES]], own)
            run, out = Path(folder) / "run", Path(folder) / "bundle"
            began = time.monotonic()
            config = configure("", "", run, corpus="midi_folder", bundle=shipped)
            train(
                config,
                run,
                data=own,
                drum_map=_KIT,
                bundle=shipped,
                max_minutes=_MINUTES,
                device="cpu",
                threads=os.cpu_count(),
                console=Console(file=io.StringIO()),
            )
            made[f"fine_tune_{drummer}_minutes"] = (time.monotonic() - began) / 60
            publish(run, out, data=own)
            made[f"fine_tune_{drummer}_f1_before"] = _f1(Bundle.open(shipped), played)
            made[f"fine_tune_{drummer}_f1_after"] = _f1(Bundle.open(out), played)
    return made


def _unpack(files: GrooveFiles, sources: list[SourcePerformance], folder: Path) -> None:
    """Write the files of some performances into a folder."""
    folder.mkdir()
    for source in sources:
        (folder / source.source.replace("/", "-")).write_bytes(files.read(source.source))


def _f1(bundle: Bundle, played: npt.NDArray[np.float32]) -> float:
    networks = Networks(bundle)
    decoded = networks.decode(networks.encode(played))
    music = music_of(networks.model)
    return float(reconstruction(music, played, decoded, bundle.thresholds)["hit_f1"])
