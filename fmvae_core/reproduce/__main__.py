"""One row of the queue, in a process of its own: train, make a bundle, measure.

``python -m fmvae_core.reproduce KEY --rows ROWS.toml --out FOLDER --size SIZE --corpus FRAMES``

It goes on where an earlier process stopped. Ends with 0 when the row is finished, with
`INTERRUPTED` when it was asked to stop (the training is saved).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from fmvae_core.data.sources import open_corpus
from fmvae_core.evaluation.measure import measure
from fmvae_core.evaluation.report.write import as_json
from fmvae_core.files import replacing
from fmvae_core.models.bundle import Bundle
from fmvae_core.reproduce.rows import EXPERIMENTS, Place, Row, place, rows
from fmvae_core.training.publish import publish
from fmvae_core.training.run import configure, train

INTERRUPTED = 130


def finish(row: Row, at: Place, size: str, corpus: Path, device: str) -> bool:
    """Do what is left of a row; return whether it is finished (or else it was interrupted).

    Parameters
    ----------
    row
        What to do.
    at
        Where.
    size
        Of the preset.
    corpus
        Frames cache to learn from.
    device
        To train on; see `Hardware.choose`.
    """
    if not at.bundle.exists():
        config = configure(
            row.preset,
            size,
            at.run,
            resume=True,
            variant=row.variant,
            hold_out=row.hold_out,
            seed=row.seed,
            overrides=row.overrides,
        )
        if config != row.configuration(size):
            raise ValueError(
                f"the run in {at.run} was begun with other settings than {size} has now; delete "
                f"{at.folder}, or give another --out"
            )
        if not train(config, at.run, data=corpus, device=device, threads=1).is_finished:
            return False
        print("making the bundle", flush=True)
        publish(at.run, at.bundle, name=row.key, data=corpus, on_stage=_tell)
    bundle = Bundle.open(at.bundle)
    measured = measure(bundle, open_corpus(row.configuration(size).corpus, corpus), _tell)
    with replacing(at.result) as scratch:
        scratch.write_text(as_json(measured.figures | {"provenance": measured.provenance}), "utf-8")
    measured.save(at.folder)  # last: it says that the row is finished
    return True


def _tell(stage: str) -> None:
    print(stage, flush=True)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="python -m fmvae_core.reproduce")
    parser.add_argument("key")
    parser.add_argument("--rows", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    (row,) = [row for row in rows(EXPERIMENTS, arguments.rows) if row.key == arguments.key]
    at = place(arguments.out, arguments.size, row)
    finished = finish(row, at, arguments.size, arguments.corpus, arguments.device)
    return 0 if finished else INTERRUPTED


if __name__ == "__main__":
    sys.exit(_main())
