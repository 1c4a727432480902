"""The files of a bundle: their names, how each is read and written, and what can be wrong."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fmvae_core.music.drum_representation import N_DRUMS
from fmvae_core.music.representation import representation

FORMAT = "flatjam-bundle"
FORMAT_VERSION = 1
MAP_DIMENSIONS = 3

MANIFEST = "bundle.json"
WEIGHTS = "weights.safetensors"
LANDMARKS = "landmarks.safetensors"
CARD = "card.json"
TENSORS: dict[str, type[np.generic]] = {
    "z": np.float16,
    "attributes": np.float32,
    "style": np.int32,
    "drummer": np.int32,
    "performance": np.int32,
    "bar": np.int32,
    "tempo": np.float32,
    "attribute_vectors": np.float32,
    "pca_mean": np.float32,
    "pca_components": np.float32,
    "pca_explained": np.float32,
}
"""What the landmarks' file holds."""

REMEDY = "choose another bundle, or export this one again"


class BundleError(ValueError):
    """A bundle that cannot be used; the message says why and what to do."""


Threshold = Annotated[float, Field(gt=0.0, le=1.0)]
Playable = Literal["drums", "melody"]
"""Representations that can be played; others, such as motion, are for studies."""


class Manifest(BaseModel):
    """What ``bundle.json`` holds; see `fmvae_core.models.bundle.Bundle`."""

    model_config = ConfigDict(frozen=True)

    format: Literal["flatjam-bundle"] = "flatjam-bundle"
    format_version: int = FORMAT_VERSION
    name: str
    representation: Playable
    bars: int = Field(ge=1)
    latent_dim: int = Field(ge=MAP_DIMENSIONS)
    model: dict[str, Any]
    thresholds: tuple[Threshold, ...]
    attributes: tuple[str, ...]
    styles: tuple[str, ...]
    drummers: tuple[str, ...]
    performances: tuple[str, ...]
    weights_sha256: str
    landmarks_sha256: str

    @model_validator(mode="after")
    def _fits_its_representation(self) -> Manifest:
        names = representation(self.representation, self.bars).attribute_names
        if self.attributes != names:
            raise ValueError(f"attributes of {self.representation} are {', '.join(names)}")
        # The most probable event of a melody's step is what happens: there is nothing to exceed.
        count = N_DRUMS if self.representation == "drums" else 0
        if len(self.thresholds) != count:
            raise ValueError(
                f"{self.representation} need {count} thresholds, not {len(self.thresholds)}"
            )
        return self


def read_manifest(folder: Path) -> tuple[bytes, Manifest]:
    """Return the manifest as it lies in the file, and as read.

    Raises
    ------
    BundleError
        If the folder holds no bundle, or a broken, foreign or newer one.
    """
    try:
        data = (folder / MANIFEST).read_bytes()
    except FileNotFoundError:
        found = "is not a bundle: it has no bundle.json" if folder.is_dir() else "does not exist"
        raise BundleError(f"{folder} {found}; choose the folder of a bundle") from None
    except OSError as error:
        raise BundleError(
            f"{folder} cannot be read ({error}); choose the folder of a bundle"
        ) from None
    try:
        table = json.loads(data)
    except ValueError as error:
        raise BundleError(f"the bundle {folder} is damaged ({error}); {REMEDY}") from None
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise BundleError(f"{folder} is not a Flatjam bundle; choose the folder of one")
    version = table.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"the bundle {folder} has format {version}, this Flatjam reads up to {FORMAT_VERSION}; "
            "update Flatjam to open it"
        )
    plays = table.get("representation")
    if isinstance(plays, str) and plays not in get_args(Playable):
        raise BundleError(
            f"the bundle {folder} is of '{plays}', this Flatjam plays "
            f"{' and '.join(get_args(Playable))}; choose a bundle of those"
        )
    try:
        return data, Manifest.model_validate(table)
    except ValidationError as error:
        raise BundleError(f"the bundle {folder} is damaged ({first_of(error)}); {REMEDY}") from None


def look_at(file: Path) -> None:
    """Notice missing or truncated weights now (header and length), not when they are loaded.

    Raises
    ------
    BundleError
        If they are.
    """
    try:
        with safe_open(file, framework="numpy"):
            pass
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} is damaged ({error}); {REMEDY}") from None


def read_tensors(file: Path, checksum: str) -> dict[str, npt.NDArray[Any]]:
    """Return the tensors of a file.

    Raises
    ------
    BundleError
        If it is broken, or not the one with this SHA-256.
    """
    try:
        if sha256(file) != checksum:
            raise BundleError(f"{file} is not what was written with its bundle.json; {REMEDY}")
        with safe_open(file, framework="numpy") as tensors:
            return {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} is damaged ({error}); {REMEDY}") from None


def write_tensors(tensors: dict[str, npt.NDArray[Any]], file: Path) -> None:
    """Write tensors to a file."""
    _write(save({key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}), file)


def write_json(value: dict[str, Any], file: Path) -> None:
    """Write plain values to a file, for people too."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    _write(f"{text}\n".encode(), file)


def _write(data: bytes, file: Path) -> None:
    with open(file, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def sha256(file: Path) -> str:
    """Return the checksum of a file."""
    with open(file, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def may_replace(target: Path) -> bool:
    """Return whether a folder is a bundle, or empty."""
    return target.is_dir() and ((target / MANIFEST).is_file() or not any(target.iterdir()))


def swap_in(scratch: Path, target: Path) -> None:
    """Put a finished folder into place. Folders have no atomic swap: the old one steps aside."""
    aside = target.with_name(f".{target.name}.{os.getpid()}.old")
    shutil.rmtree(aside, ignore_errors=True)
    had_one = target.exists()
    if had_one:
        os.replace(target, aside)
    try:
        os.replace(scratch, target)
    except OSError:
        if had_one:
            os.replace(aside, target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def first_of(error: ValidationError) -> str:
    """Return the first thing that is wrong, and where."""
    detail = error.errors()[0]
    place = ".".join(str(part) for part in detail["loc"])
    return f"{place}: {detail['msg']}" if place else detail["msg"].removeprefix("Value error, ")
