"""Takes of a bundle: made-up jams whose answers lie in its space."""

from __future__ import annotations

from pathlib import Path

from fmvae_core.jam.journal import JournalWriter
from fmvae_core.jam.records import Answered, AnyRecord
from fmvae_core.models.bundle import Bundle
from tests.fmvae_core.jam.recordings import Plan, record


def recorded(path: Path, bundle: Bundle, plan: Plan = Plan()) -> Path:  # noqa: B008 (frozen)
    """Write the journal of a jam with a bundle, and return its path."""
    folder = path.parent / f"{path.stem}-as-played"
    journal = record(folder, plan)
    writer = JournalWriter(path, journal.head)
    for each in journal.records:
        writer.write(_of_model(each, bundle))
    writer.close()
    return path


def _of_model(each: AnyRecord, bundle: Bundle) -> AnyRecord:
    """Put what the made-up model answered into the space of a bundle."""
    if not isinstance(each, Answered):
        return each
    places = bundle.landmarks.z[each.answer.number % (len(bundle.landmarks) - 1) :][:2].tolist()
    fields = {
        "bundle": bundle.sha256,
        "z_human": tuple(places[0]),
        "z_machine": tuple(places[1]),
    }
    return each.model_copy(update={"answer": each.answer.model_copy(update=fields)})
