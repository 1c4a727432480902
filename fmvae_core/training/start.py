"""What the first process of a run tells the others at its start: files are its business alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from fmvae_core.data.corpus import Corpus
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.runs.record import RunRecord
from fmvae_core.training.hardware import Hardware

_READ, _UNREAD, _ANOTHER = range(3)


def tell_start(hardware: Hardware, folder: Path, record: RunRecord, corpus: Corpus) -> None:
    """Tell the other processes what to do and from which checkpoint, and hear that they can.

    Parameters
    ----------
    hardware
        After its launch.
    folder
        Of the run; its checkpoint, if it has one, is sent along.
    record, corpus
        Of the run.

    Raises
    ------
    ValueError
        If one of them cannot read the corpus, or reads another one.
    """
    if hardware.size == 1:
        return
    _from_first(hardware, json.dumps({**record.to_dict(), "digest": corpus.digest}).encode())
    file = folder / CHECKPOINT_FILE
    _from_first(hardware, file.read_bytes() if file.exists() else b"")
    _check(hardware.highest(_READ), record)


def hear_start(
    hardware: Hardware, folder: Path, read: Callable[[RunRecord], Corpus]
) -> tuple[RunRecord, Corpus]:
    """Return what `tell_start` told, in a process that is not the first.

    Parameters
    ----------
    hardware
        After its launch.
    folder
        Of this process, in which the checkpoint is put.
    read
        Reads the corpus of a run.

    Raises
    ------
    Exception
        If the corpus cannot be read, or is another one.
    """
    fields = json.loads(_from_first(hardware, b""))
    digest = fields.pop("digest")
    record = RunRecord.from_dict(fields)
    if checkpoint := _from_first(hardware, b""):
        (folder / CHECKPOINT_FILE).write_bytes(checkpoint)
    try:
        corpus = read(record)
    except Exception:
        hardware.highest(_UNREAD)
        raise
    _check(hardware.highest(_READ if corpus.digest == digest else _ANOTHER), record)
    return record, corpus


def _check(worst: int, record: RunRecord) -> None:
    where = record.data or f"the corpus '{record.config.corpus}'"
    if worst == _UNREAD:
        raise ValueError(
            f"another process of this run cannot read {where}; every machine needs it in the same "
            "place"
        )
    if worst == _ANOTHER:
        raise ValueError(
            f"{where} is not the same on all machines; copy that of the first to the others"
        )


def _from_first(hardware: Hardware, data: bytes) -> bytes:
    length = int(hardware.from_first(torch.tensor(len(data))))
    if length == 0:
        return b""
    sent = torch.frombuffer(bytearray(data or bytes(length)), dtype=torch.uint8)
    return hardware.from_first(sent).numpy().tobytes()
