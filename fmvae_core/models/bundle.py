"""Bundles: one trained model in a folder, ready to play.

A bundle holds

- ``bundle.json``: format, model configuration, hit thresholds, names, and the SHA-256 of the two
  files below;
- ``weights.safetensors``: the networks in float16;
- ``landmarks.safetensors``: latents of the training performances with attributes and origin,
  attribute vectors and the principal components of the map;
- ``card.json``: what the model is and how well it does, for people and programs.

Reading needs numpy alone, so that a window can show a bundle without loading torch.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fmvae_core.geometry.projection import PCA
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.attributes import ATTRIBUTES
from fmvae_core.music.representation import N_DRUMS

FORMAT = "flatjam-bundle"
FORMAT_VERSION = 1
MAP_DIMENSIONS = 3

_MANIFEST = "bundle.json"
_WEIGHTS = "weights.safetensors"
_LANDMARKS = "landmarks.safetensors"
_CARD = "card.json"
_TENSORS: dict[str, type[np.generic]] = {
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
_REMEDY = "choose another bundle, or export this one again"


class BundleError(ValueError):
    """A bundle that cannot be used; the message says why and what to do."""


Threshold = Annotated[float, Field(gt=0.0, le=1.0)]


class _Manifest(BaseModel):
    """What ``bundle.json`` holds."""

    model_config = ConfigDict(frozen=True)

    format: Literal["flatjam-bundle"] = "flatjam-bundle"
    format_version: int = FORMAT_VERSION
    name: str
    representation: Literal["drums"] = "drums"
    bars: int = Field(ge=1)
    latent_dim: int = Field(ge=MAP_DIMENSIONS)
    model: dict[str, Any]
    thresholds: tuple[Threshold, ...] = Field(min_length=N_DRUMS, max_length=N_DRUMS)
    attributes: tuple[Literal["density"], Literal["velocity"], Literal["offset"]] = (
        "density",
        "velocity",
        "offset",
    )
    styles: tuple[str, ...]
    drummers: tuple[str, ...]
    performances: tuple[str, ...]
    weights_sha256: str
    landmarks_sha256: str


@dataclass(frozen=True)
class Bundle:
    """One trained model ready to play. Made by `open` and `write_bundle`.

    Parameters
    ----------
    path
        Its folder.
    name
        For people.
    bars
        Length of its phrases.
    latent_dim
        Dimensions of its latent space.
    model_config
        The networks' configuration, as written.
    thresholds
        ``(9,)``: probability from which a hit of each drum sounds.
    landmarks
        The corpus in latent space.
    attribute_vectors
        Attribute name to direction ``(latent_dim,)`` (section 4.3).
    pca
        The map: three principal components of the landmarks.
    card
        What the model is and how well it does.
    sha256
        Of the model itself: configuration, weights and landmarks (the card may be revised).
    """

    path: Path
    name: str
    bars: int
    latent_dim: int
    model_config: dict[str, Any]
    thresholds: npt.NDArray[np.float32]
    landmarks: Landmarks
    attribute_vectors: dict[str, npt.NDArray[np.float32]]
    pca: PCA
    card: dict[str, Any]
    sha256: str
    _weights_sha256: str

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read everything but the weights.

        Raises
        ------
        BundleError
            If there is no bundle, or a broken, foreign or newer one; the message says what to do.
        """
        folder = Path(path)
        manifest_bytes, manifest = _read_manifest(folder)
        tensors = _read_tensors(folder / _LANDMARKS, manifest.landmarks_sha256)
        _look_at(folder / _WEIGHTS)
        try:
            for key, kind in _TENSORS.items():
                if key not in tensors or tensors[key].dtype != kind:
                    raise ValueError(f"{_LANDMARKS} lacks '{key}' as {kind.__name__}")
            card = json.loads((folder / _CARD).read_text("utf-8"))
            if not isinstance(card, dict):
                raise ValueError(f"{_CARD} is not a JSON object")
            landmarks = Landmarks(
                z=tensors["z"].astype(np.float32),
                attributes=tensors["attributes"],
                style=tensors["style"],
                drummer=tensors["drummer"],
                performance=tensors["performance"],
                bar=tensors["bar"],
                tempo=tensors["tempo"],
                styles=manifest.styles,
                drummers=manifest.drummers,
                performances=manifest.performances,
            )
            vectors = tensors["attribute_vectors"]
            pca = PCA(tensors["pca_mean"], tensors["pca_components"], tensors["pca_explained"])
            _check_geometry(manifest.latent_dim, landmarks, vectors, pca)
        except (OSError, ValueError) as error:
            raise BundleError(f"the bundle {folder} is damaged ({error}); {_REMEDY}") from None
        return cls(
            path=folder,
            name=manifest.name,
            bars=manifest.bars,
            latent_dim=manifest.latent_dim,
            model_config=manifest.model,
            thresholds=np.asarray(manifest.thresholds, np.float32),
            landmarks=landmarks,
            attribute_vectors=dict(zip(ATTRIBUTES, vectors, strict=True)),
            pca=pca,
            card=card,
            sha256=hashlib.sha256(manifest_bytes).hexdigest(),
            _weights_sha256=manifest.weights_sha256,
        )

    def weights(self) -> dict[str, npt.NDArray[np.float16]]:
        """Read the networks' weights, by their names in the state dict.

        Raises
        ------
        BundleError
            If the file is damaged or holds values that are not numbers.
        """
        weights = _read_tensors(self.path / _WEIGHTS, self._weights_sha256)
        for name, tensor in weights.items():
            if tensor.dtype != np.float16 or not np.isfinite(tensor).all():
                raise BundleError(
                    f"the weights '{name}' of {self.path} are not finite float16 numbers; {_REMEDY}"
                )
        return weights


def write_bundle(
    path: str | os.PathLike[str],
    *,
    name: str,
    bars: int,
    model_config: Mapping[str, Any],
    weights: Mapping[str, npt.NDArray[np.floating[Any]]],
    thresholds: npt.ArrayLike,
    landmarks: Landmarks,
    attribute_vectors: Mapping[str, npt.ArrayLike],
    pca: PCA,
    card: Mapping[str, Any],
) -> Bundle:
    """Write a bundle and open it. An existing bundle is replaced only once the new one is complete.

    Parameters are those of `Bundle`; ``weights`` are stored as float16.

    Raises
    ------
    BundleError
        If the parts do not belong together, a weight is beyond float16, or something that is not a
        bundle lies at ``path``.
    """
    target = Path(path)
    if target.exists() and not _may_replace(target):
        raise BundleError(f"{target} exists and is not a bundle; choose another folder to write to")
    if set(attribute_vectors) != set(ATTRIBUTES):
        raise BundleError(f"a bundle needs the attribute vectors {', '.join(ATTRIBUTES)}")
    vectors = np.stack([np.asarray(attribute_vectors[key], np.float32) for key in ATTRIBUTES])
    halves = {}
    for key, tensor in weights.items():
        with np.errstate(over="ignore"):  # found and named just below
            halves[key] = np.ascontiguousarray(tensor, dtype=np.float16)
        if not np.isfinite(halves[key]).all():
            raise BundleError(f"the weights '{key}' do not fit into float16; train on, or retrain")
    parts: dict[str, npt.NDArray[Any]] = {
        "z": landmarks.z,
        "attributes": landmarks.attributes,
        "style": landmarks.style,
        "drummer": landmarks.drummer,
        "performance": landmarks.performance,
        "bar": landmarks.bar,
        "tempo": landmarks.tempo,
        "attribute_vectors": vectors,
        "pca_mean": pca.mean,
        "pca_components": pca.components,
        "pca_explained": pca.explained,
    }
    with np.errstate(over="ignore"):  # found when the finished bundle is opened
        tensors = {key: parts[key].astype(kind) for key, kind in _TENSORS.items()}

    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        _save(halves, scratch / _WEIGHTS)
        _save(tensors, scratch / _LANDMARKS)
        _write_json(dict(card), scratch / _CARD)
        try:
            manifest = _Manifest(
                name=name,
                bars=bars,
                latent_dim=landmarks.z.shape[1],
                model=dict(model_config),
                thresholds=tuple(np.asarray(thresholds, np.float64).tolist()),
                styles=landmarks.styles,
                drummers=landmarks.drummers,
                performances=landmarks.performances,
                weights_sha256=_sha256(scratch / _WEIGHTS),
                landmarks_sha256=_sha256(scratch / _LANDMARKS),
            )
        except ValidationError as error:
            raise BundleError(f"the parts do not make a bundle: {_first(error)}") from None
        _write_json(manifest.model_dump(mode="json"), scratch / _MANIFEST)
        Bundle.open(scratch).weights()
        _swap_in(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Bundle.open(target)


def _read_manifest(folder: Path) -> tuple[bytes, _Manifest]:
    try:
        data = (folder / _MANIFEST).read_bytes()
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
        raise BundleError(f"the bundle {folder} is damaged ({error}); {_REMEDY}") from None
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise BundleError(f"{folder} is not a Flatjam bundle; choose the folder of one")
    version = table.get("format_version")
    if isinstance(version, int) and version > FORMAT_VERSION:
        raise BundleError(
            f"the bundle {folder} has format {version}, this Flatjam reads up to {FORMAT_VERSION}; "
            "update Flatjam to open it"
        )
    representation = table.get("representation")
    if isinstance(representation, str) and representation != "drums":
        raise BundleError(
            f"the bundle {folder} plays '{representation}', this Flatjam plays drums; "
            "choose a drum bundle"
        )
    try:
        return data, _Manifest.model_validate(table)
    except ValidationError as error:
        raise BundleError(f"the bundle {folder} is damaged ({_first(error)}); {_REMEDY}") from None


def _check_geometry(
    latent_dim: int, landmarks: Landmarks, vectors: npt.NDArray[np.float32], pca: PCA
) -> None:
    if landmarks.z.shape[1] != latent_dim:
        raise ValueError(f"landmarks have {landmarks.z.shape[1]} dimensions, not {latent_dim}")
    if vectors.shape != (len(ATTRIBUTES), latent_dim):
        raise ValueError(f"attribute vectors have shape {vectors.shape}")
    if pca.components.shape != (MAP_DIMENSIONS, latent_dim):
        raise ValueError(f"principal components have shape {pca.components.shape}")
    for part in (vectors, pca.mean, pca.components, pca.explained):
        if not np.isfinite(part).all():
            raise ValueError("attribute vectors or components hold values that are not numbers")


def _look_at(file: Path) -> None:
    """Notice missing or truncated weights now (header and length), not when they are loaded."""
    try:
        with safe_open(file, framework="numpy"):
            pass
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} is damaged ({error}); {_REMEDY}") from None


def _read_tensors(file: Path, sha256: str) -> dict[str, npt.NDArray[Any]]:
    try:
        if _sha256(file) != sha256:
            raise BundleError(f"{file} is not what was written with its bundle.json; {_REMEDY}")
        with safe_open(file, framework="numpy") as tensors:
            return {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{file} is damaged ({error}); {_REMEDY}") from None


def _save(tensors: dict[str, npt.NDArray[Any]], file: Path) -> None:
    _write(save({key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}), file)


def _write_json(value: dict[str, Any], file: Path) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    _write(f"{text}\n".encode(), file)


def _write(data: bytes, file: Path) -> None:
    with open(file, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sha256(file: Path) -> str:
    with open(file, "rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _may_replace(target: Path) -> bool:
    return target.is_dir() and ((target / _MANIFEST).is_file() or not any(target.iterdir()))


def _swap_in(scratch: Path, target: Path) -> None:
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


def _first(error: ValidationError) -> str:
    detail = error.errors()[0]
    return f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}"
