"""Bundles: one trained model in a folder, ready to play.

A bundle holds

- ``bundle.json``: format, representation, model configuration, thresholds, names, and the SHA-256
  of the two files below;
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
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from fmvae_core.geometry.projection import PCA
from fmvae_core.models.bundle_files import (
    CARD,
    LANDMARKS,
    MANIFEST,
    MAP_DIMENSIONS,
    REMEDY,
    TENSORS,
    WEIGHTS,
    BundleError,
    Manifest,
    first_of,
    look_at,
    may_replace,
    read_manifest,
    read_tensors,
    sha256,
    swap_in,
    write_json,
    write_tensors,
)
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.instruments import instrument_of
from fmvae_core.music.representation import Representation, representation

__all__ = ["Bundle", "BundleError", "write_bundle"]


@dataclass(frozen=True)
class Bundle:
    """One trained model ready to play. Made by `open` and `write_bundle`.

    Parameters
    ----------
    path
        Its folder.
    name
        For people.
    representation
        How its phrases become frames and back.
    latent_dim
        Dimensions of its latent space.
    model_config
        The networks' configuration, as written.
    thresholds
        Drums: ``(9,)``, probability from which a hit of each sounds. Melodies have none, ``(0,)``.
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
    weights_sha256
        Of the file of weights.
    """

    path: Path
    name: str
    representation: Representation
    latent_dim: int
    model_config: dict[str, Any]
    thresholds: npt.NDArray[np.float32]
    landmarks: Landmarks
    attribute_vectors: dict[str, npt.NDArray[np.float32]]
    pca: PCA
    card: dict[str, Any]
    sha256: str
    weights_sha256: str

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Bundle:
        """Read everything but the weights.

        Raises
        ------
        BundleError
            If there is no bundle, or a broken, foreign or newer one; the message says what to do.
        """
        folder = Path(path)
        manifest_bytes, manifest = read_manifest(folder)
        tensors = read_tensors(folder / LANDMARKS, manifest.landmarks_sha256)
        look_at(folder / WEIGHTS)
        try:
            for key, kind in TENSORS.items():
                if key not in tensors or tensors[key].dtype != kind:
                    raise ValueError(f"{LANDMARKS} lacks '{key}' as {kind.__name__}")
            card = json.loads((folder / CARD).read_text("utf-8"))
            if not isinstance(card, dict):
                raise ValueError(f"{CARD} is not a JSON object")
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
            plays = representation(manifest.representation, manifest.bars)
            pca = PCA(tensors["pca_mean"], tensors["pca_components"], tensors["pca_explained"])
            _check_geometry(plays, manifest.latent_dim, landmarks, vectors, pca)
        except (OSError, ValueError) as error:
            raise BundleError(f"the bundle {folder} is damaged ({error}); {REMEDY}") from None
        return cls(
            path=folder,
            name=manifest.name,
            representation=plays,
            latent_dim=manifest.latent_dim,
            model_config=manifest.model,
            thresholds=np.asarray(manifest.thresholds, np.float32),
            landmarks=landmarks,
            attribute_vectors=dict(zip(plays.attribute_names, vectors, strict=True)),
            pca=pca,
            card=card,
            sha256=hashlib.sha256(manifest_bytes).hexdigest(),
            weights_sha256=manifest.weights_sha256,
        )

    @property
    def bars(self) -> int:
        """Length of its phrases."""
        return self.representation.bars

    @property
    def corpus(self) -> str:
        """Key of the corpus it learnt from, as its card names it; empty where that does not."""
        data = self.card.get("data")
        return str(data.get("corpus", "")) if isinstance(data, dict) else ""

    @property
    def is_of_groove(self) -> bool:
        """Whether its landmarks can be played as played: the Groove dataset's files are known.

        Which files another corpus was made of is not kept, and a guess could play the wrong ones.
        """
        return self.corpus == "groove"

    @property
    def instrument(self) -> int:
        """General MIDI program, from 0, that its melodies are played with unless one is chosen."""
        return instrument_of(self.corpus)

    def weights(self) -> dict[str, npt.NDArray[np.float16]]:
        """Read the networks' weights, by their names in the state dict.

        Raises
        ------
        BundleError
            If the file is damaged or holds values that are not numbers.
        """
        weights = read_tensors(self.path / WEIGHTS, self.weights_sha256)
        for name, tensor in weights.items():
            if tensor.dtype != np.float16 or not np.isfinite(tensor).all():
                raise BundleError(
                    f"the weights '{name}' of {self.path} are not finite float16 numbers; {REMEDY}"
                )
        return weights


def write_bundle(
    path: str | os.PathLike[str],
    *,
    name: str,
    bars: int,
    model_config: Mapping[str, Any],
    weights: Mapping[str, npt.NDArray[np.floating[Any]]],
    landmarks: Landmarks,
    attribute_vectors: Mapping[str, npt.ArrayLike],
    pca: PCA,
    card: Mapping[str, Any],
    thresholds: npt.ArrayLike = (),
) -> Bundle:
    """Write a bundle and open it. An existing bundle is replaced only once the new one is complete.

    Parameters are those of `Bundle`; ``weights`` are stored as float16, ``thresholds`` may be left
    out for melodies, and the representation is the one that ``model_config`` names (drums where it
    names none).

    Raises
    ------
    BundleError
        If the parts do not belong together, a weight is beyond float16, or something that is not a
        bundle lies at ``path``.
    """
    target = Path(path)
    if target.exists() and not may_replace(target):
        raise BundleError(f"{target} exists and is not a bundle; choose another folder to write to")
    plays = str(model_config.get("representation", "drums"))
    try:
        names = representation(plays, bars).attribute_names
    except ValueError as error:
        raise BundleError(f"the parts do not make a bundle: {error}") from None
    if set(attribute_vectors) != set(names):
        raise BundleError(f"a bundle of {plays} needs the attribute vectors {', '.join(names)}")
    vectors = np.stack([np.asarray(attribute_vectors[key], np.float32) for key in names])
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
        tensors = {key: parts[key].astype(kind) for key, kind in TENSORS.items()}

    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    try:
        write_tensors(halves, scratch / WEIGHTS)
        write_tensors(tensors, scratch / LANDMARKS)
        write_json(dict(card), scratch / CARD)
        try:
            manifest = Manifest(
                name=name,
                representation=plays,  # type: ignore[arg-type]  # it is checked here
                bars=bars,
                attributes=names,
                latent_dim=landmarks.z.shape[1],
                model=dict(model_config),
                thresholds=tuple(np.asarray(thresholds, np.float64).tolist()),
                styles=landmarks.styles,
                drummers=landmarks.drummers,
                performances=landmarks.performances,
                weights_sha256=sha256(scratch / WEIGHTS),
                landmarks_sha256=sha256(scratch / LANDMARKS),
            )
        except ValidationError as error:
            raise BundleError(f"the parts do not make a bundle: {first_of(error)}") from None
        write_json(manifest.model_dump(mode="json"), scratch / MANIFEST)
        Bundle.open(scratch).weights()
        swap_in(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Bundle.open(target)


def _check_geometry(
    plays: Representation,
    latent_dim: int,
    landmarks: Landmarks,
    vectors: npt.NDArray[np.float32],
    pca: PCA,
) -> None:
    names = plays.attribute_names
    if landmarks.attributes.shape[1] != len(names):
        raise ValueError(
            f"landmarks have {landmarks.attributes.shape[1]} attributes, not {', '.join(names)}"
        )
    if landmarks.z.shape[1] != latent_dim:
        raise ValueError(f"landmarks have {landmarks.z.shape[1]} dimensions, not {latent_dim}")
    if vectors.shape != (len(names), latent_dim):
        raise ValueError(f"attribute vectors have shape {vectors.shape}")
    if pca.components.shape != (MAP_DIMENSIONS, latent_dim):
        raise ValueError(f"principal components have shape {pca.components.shape}")
    for part in (vectors, pca.mean, pca.components, pca.explained):
        if not np.isfinite(part).all():
            raise ValueError("attribute vectors or components hold values that are not numbers")
