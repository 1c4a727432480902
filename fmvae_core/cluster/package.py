"""What a cluster is sent: the library, the corpus as frames, and the run, in one zip file."""

from __future__ import annotations

import dataclasses
import io
import json
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

import fmvae_core
from fmvae_core.cluster.changes import BOARD, run_files
from fmvae_core.cluster.head import MOST_BYTES, HeadError
from fmvae_core.cluster.places import BUNDLE_INPUT, CORPUS_INPUT, RUN_INPUT
from fmvae_core.data.corpus import save_corpus
from fmvae_core.data.sources import open_corpus
from fmvae_core.runs.files import CHECKPOINT_FILE, RECORD_FILE
from fmvae_core.runs.record import RunRecord
from fmvae_core.runs.words import size_in_words

_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same content shall be the same file


def pack(
    record: RunRecord,
    run: Path | None = None,
    more: Iterable[tuple[Path, bytes]] = (),
    on_corpus: Callable[[int, int], None] = lambda done, total: None,
) -> bytes:
    """Return a package that needs neither this machine's files nor any download.

    Parameters
    ----------
    record
        The run; in the package its corpus and bundle are the package's own.
    run
        Its folder, whose checkpoint and events go along.
    more
        Other files: place in the package, and content.
    on_corpus
        Called with amount done and in all while the corpus is read.

    Raises
    ------
    CorpusError, DownloadError
        If the corpus cannot be had.
    HeadError
        If it is more than a cluster takes.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        _add_code(archive)
        _add_corpus(archive, record, on_corpus)
        if record.bundle is not None:
            for file in sorted(Path(record.bundle).iterdir()):
                _add(archive, BUNDLE_INPUT / file.name, file.read_bytes())
        if run is not None:
            for name in run_files(run):
                # Of no use to go on: what each process has said, and curves that come again.
                if not name.endswith(".txt") and PurePosixPath(name).parts[0] != BOARD:
                    _add(archive, RUN_INPUT / name, (run / name).read_bytes())
        _add(archive, RUN_INPUT / RECORD_FILE, json.dumps(as_sent(record).to_dict()).encode())
        for place, data in more:
            _add(archive, place, data)
    if packed.tell() > MOST_BYTES:
        raise HeadError(
            f"corpus and {CHECKPOINT_FILE} make a package of {size_in_words(packed.tell())}, and "
            f"the job server of a cluster takes {size_in_words(MOST_BYTES)}; take a smaller model "
            "or corpus, or train on that machine itself"
        )
    return packed.getvalue()


def as_sent(record: RunRecord) -> RunRecord:
    """Return a run as it is in a package, whose corpus and bundle it has."""
    return dataclasses.replace(
        record,
        cluster=None,
        data=str(CORPUS_INPUT),
        bundle=None if record.bundle is None else str(BUNDLE_INPUT),
    )


def _add_code(archive: zipfile.ZipFile) -> None:
    package = Path(fmvae_core.__file__).parent
    for file in sorted(package.rglob("*")):
        place = file.relative_to(package)
        if file.is_file() and "__pycache__" not in place.parts and place.parts[0] != "_resources":
            _add(archive, package.name / place, file.read_bytes())


def _add_corpus(
    archive: zipfile.ZipFile, record: RunRecord, on_corpus: Callable[[int, int], None]
) -> None:
    corpus = open_corpus(
        record.config.corpus,
        None if record.data is None else Path(record.data),
        on_corpus,
        representation=record.config.model.representation,
        drum_map=record.drum_map,
    )
    with tempfile.TemporaryDirectory() as scratch:
        frames = Path(scratch) / "corpus.safetensors"
        save_corpus(corpus, frames)
        _add(archive, CORPUS_INPUT, frames.read_bytes())


def _add(archive: zipfile.ZipFile, place: Path, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(place.as_posix(), _LONG_AGO), data, zipfile.ZIP_DEFLATED)
