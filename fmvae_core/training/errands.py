"""``python -m fmvae_core.training.errands``: one thing to do before or after a run, then it ends.

See `fmvae_core.runs.messages`.
"""

from __future__ import annotations

import os

# Before torch is loaded: the sound comes first, and threads that wait must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import dataclasses
import logging
import sys
from collections.abc import Callable

from pydantic import ValidationError

from fmvae_core.runs.messages import (
    ERRANDS,
    Answer,
    BundleMade,
    CorpusSeen,
    Errand,
    Going,
    HardwareSeen,
    ListenToRun,
    LookAtCorpus,
    LookAtHardware,
    MakeBundle,
    MeasureRun,
    NotDone,
    RunHeard,
    RunMeasured,
)

log = logging.getLogger(__name__)

_NICE = 5

Tell = Callable[[Answer], None]


def main() -> int:
    """Do one errand; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="errand: %(message)s")
    try:
        errand = ERRANDS.validate_json(sys.stdin.readline())
    except ValidationError as error:
        print(f"expected one line of JSON that says what to do: {error}", file=sys.stderr)
        return 2
    if hasattr(os, "nice"):
        os.nice(_NICE)
    # Only messages go out: what a library prints would not be one.
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(answer: Answer) -> None:
        print(answer.model_dump_json(), file=out, flush=True)

    try:
        tell(_do(errand, tell))
    except Exception as error:
        log.exception("it could not be done")
        from fmvae_core.runs.store import runs_dir
        from fmvae_core.training.problems import in_words

        tell(NotDone(reason=in_words(error, runs_dir())))
    return 0


def _do(errand: Errand, tell: Tell) -> Answer:
    if isinstance(errand, LookAtCorpus):
        return _look(errand, tell)
    if isinstance(errand, LookAtHardware):
        return _look_at_hardware()
    if isinstance(errand, MeasureRun):
        return _measure(errand, tell)
    if isinstance(errand, ListenToRun):
        return _listen(errand, tell)
    return _make_bundle(errand, tell)


def _look(errand: LookAtCorpus, tell: Tell) -> CorpusSeen:
    from fmvae_core.data.preview import preview  # without torch, so that it answers soon

    seen = preview(
        errand.corpus,
        errand.data,
        representation=errand.representation,
        bars=errand.bars,
        drum_map=errand.drum_map,
        progress=lambda done, total: tell(Going(stage="reading files", done=done, total=total)),
    )
    return CorpusSeen(**dataclasses.asdict(seen))


def _look_at_hardware() -> HardwareSeen:
    from fmvae_core.training.devices import describe, gpus

    found = gpus()
    return HardwareSeen(text=describe(found), has_usable_gpu=any(gpu.is_usable for gpu in found))


def _measure(errand: MeasureRun, tell: Tell) -> RunMeasured:
    import torch

    from fmvae_core.runs.record import RunRecord
    from fmvae_core.training.estimate import estimate

    record = RunRecord.from_dict(errand.record)
    torch.set_num_threads(record.threads or max(1, (os.cpu_count() or 2) - 1))
    return estimate(
        record,
        errand.folder,
        lambda stage, done, total: tell(Going(stage=stage, done=done, total=total)),
    )


def _make_bundle(errand: MakeBundle, tell: Tell) -> BundleMade:
    from fmvae_core.training.publish import publish

    bundle = publish(
        errand.run, errand.out, name=errand.name, on_stage=lambda stage: tell(Going(stage=stage))
    )
    return BundleMade(path=bundle.path)


def _listen(errand: ListenToRun, tell: Tell) -> RunHeard:
    tell(Going(stage="loading torch"))
    import torch

    from fmvae_core.training.listening import listen

    torch.set_num_threads(1)  # the training beside it has the others
    return listen(
        errand.run,
        seed=errand.seed,
        steps=errand.steps,
        on_stage=lambda stage, done, total: tell(Going(stage=stage, done=done, total=total)),
    )


if __name__ == "__main__":
    sys.exit(main())
