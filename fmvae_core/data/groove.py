"""The Groove MIDI Dataset (Gillick et al. 2019, CC BY 4.0) as a corpus."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections import Counter
from pathlib import Path

from fmvae_core.data.corpus import Corpus, CorpusError, resplit
from fmvae_core.data.pieces import SPLIT_SEED, Piece, Progress, join, parsed_once
from fmvae_core.music.drum_representation import drum_frames
from fmvae_core.music.drums import drum_map
from fmvae_core.music.midi_file import MidiFileError, read_midi
from fmvae_core.music.phrase import STEPS_PER_BAR

ATTRIBUTION = (
    "Groove MIDI Dataset by Jon Gillick, Adam Roberts, Jesse Engel, Douglas Eck and David Bamman "
    "(Learning to Groove with Inverse Sequence Transformations, ICML 2019), Google LLC, CC BY 4.0"
)
_PARSER_VERSION = 1
_MAX_MEMBER_BYTES = 16 * 1024 * 1024


class GrooveFiles:
    """The files of the dataset, in the published zip or in a folder it was unpacked to.

    Raises
    ------
    CorpusError
        If there is no Groove dataset at `path`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            folder = next(
                (base for base in (path, path / "groove") if (base / "info.csv").is_file()), None
            )
            if folder is None:
                zips = sorted(path.glob("groove*.zip"))
                if not zips:
                    raise CorpusError(
                        f"{path} holds neither info.csv nor a groove zip; give the folder or zip "
                        "of the Groove MIDI Dataset, or leave --data out to download it"
                    )
                self.path = path = zips[0]
            else:
                self._folder = folder
        if not path.exists():
            raise CorpusError(f"{path} does not exist; give the Groove zip or leave --data out")
        if path.is_file():
            try:
                self._zip = zipfile.ZipFile(path)
            except (zipfile.BadZipFile, OSError) as error:
                raise CorpusError(
                    f"{path} is not a zip file ({error}); download it again"
                ) from None
            if "groove/info.csv" not in self._zip.namelist():
                raise CorpusError(f"{path} is not the Groove dataset: it has no groove/info.csv")

    def read(self, name: str) -> bytes:
        """Return the bytes of a file, named as in info.csv.

        Raises
        ------
        CorpusError
            If it is not there, or larger than a MIDI file of this dataset can be.
        """
        try:
            if self._zip is not None:
                member = self._zip.getinfo(f"groove/{name}")
                if member.file_size > _MAX_MEMBER_BYTES:
                    raise CorpusError(f"{name} in {self.path} is too large to be a groove")
                return self._zip.read(member)
            file = (self._folder / name).resolve()
            if not file.is_relative_to(self._folder.resolve()):
                raise CorpusError(f"{name} points outside {self._folder}")
            return file.read_bytes()
        except (KeyError, OSError, zipfile.BadZipFile) as error:
            raise CorpusError(f"{name} cannot be read from {self.path} ({error})") from None

    def digest(self) -> str:
        """Return a SHA-256 that changes when the dataset does."""
        if self._zip is not None:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        return hashlib.sha256(self.read("info.csv")).hexdigest()


def load_groove(
    path: Path,
    *,
    seed: int = SPLIT_SEED,
    cache: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> Corpus:
    """Return the Groove corpus; parsed once, then read from a cache.

    Parameters
    ----------
    path
        The published midi-only zip, or a folder it was unpacked to.
    seed
        Of the 90/10 re-split of the published training and validation files.
    cache
        Folder for the frames cache (the platform's cache by default).
    progress
        Called with files done and files in all while parsing.
    """
    source = GrooveFiles(path)
    digest = hashlib.sha256(f"{_PARSER_VERSION} {seed} {source.digest()}".encode()).hexdigest()
    return parsed_once("groove", digest, lambda: _parse(source, seed, digest, progress), cache)


def _parse(source: GrooveFiles, seed: int, digest: str, progress: Progress) -> Corpus:
    rows = list(csv.DictReader(io.StringIO(source.read("info.csv").decode("utf-8"))))
    kit = drum_map("roland-td-11")
    skipped: Counter[str] = Counter()
    seen: set[bytes] = set()
    kept: list[dict[str, str]] = []
    pieces: list[Piece] = []
    for done, row in enumerate(rows):
        progress(done, len(rows))
        if row["time_signature"] != "4-4":
            skipped["not in 4/4"] += 1
            continue
        data = source.read(row["midi_filename"])
        content = hashlib.sha256(data).digest()
        if content in seen:
            skipped["duplicate"] += 1
            continue
        seen.add(content)
        try:
            performance = read_midi(io.BytesIO(data))
        except MidiFileError:
            skipped["unreadable"] += 1
            continue
        steps = performance.bars * STEPS_PER_BAR
        pieces.append(
            Piece(
                source=row["midi_filename"],
                style=row["style"].split("/")[0],
                drummer=row["drummer"],
                tempo=float(row["bpm"]),
                frames=drum_frames(performance.notes, steps, kit),
            )
        )
        kept.append(row)
    progress(len(rows), len(rows))
    if not kept:
        raise CorpusError(f"{source.path} holds no performance that can be used")

    splits = resplit([row["split"] for row in kept], seed)
    return join("groove", "drums", pieces, splits, skipped, digest)
