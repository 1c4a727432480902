"""Where the landmarks of a bundle lie in its UMAP, kept in the cache by the bundle's SHA-256."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from fmvae_core.files import cache_dir, replacing
from fmvae_core.models.bundle import Bundle

log = logging.getLogger(__name__)

_FORMAT = "flatjam-umap-1"
"""Changes with the meaning of the file and with the settings of the fit."""


@dataclass(frozen=True)
class UmapPlaces:
    """A fitted UMAP.

    Parameters
    ----------
    places
        ``(n, 3)`` float32, one of each landmark.
    fitted
        How many of the landmarks were fitted; the others were placed among those.
    """

    places: npt.NDArray[np.float32]
    fitted: int


def umap_file(sha256: str) -> Path:
    """Return the file of the bundle with this SHA-256, whether or not it is there."""
    return cache_dir() / "projections" / f"{sha256}.umap.safetensors"


def read_umap(bundle: Bundle) -> UmapPlaces | None:
    """Return what was fitted for a bundle, or None where there is nothing of use.

    A broken file, or one of another version, is of no use: it is logged, and the next fit
    replaces it.
    """
    file = umap_file(bundle.sha256)
    try:
        with safe_open(file, framework="numpy") as tensors:
            about = tensors.metadata() or {}
            if about.get("format") != _FORMAT or about.get("bundle") != bundle.sha256:
                raise ValueError("it was written for something else")
            places = tensors.get_tensor("places")
        n, fitted = len(bundle.landmarks), int(about["fitted"])
        if places.shape != (n, 3) or places.dtype != np.float32 or not np.isfinite(places).all():
            raise ValueError(f"it does not hold the places of {n} landmarks")
    except FileNotFoundError:
        return None
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        log.warning("%s is of no use (%s); UMAP must be fitted anew", file, error)
        return None
    return UmapPlaces(places, fitted)


def write_umap(bundle: Bundle, umap: UmapPlaces) -> None:
    """Keep what was fitted for a bundle.

    Raises
    ------
    OSError
        If the cache cannot be written.
    """
    about = {"format": _FORMAT, "bundle": bundle.sha256, "fitted": str(umap.fitted)}
    with replacing(umap_file(bundle.sha256)) as scratch:
        scratch.write_bytes(save({"places": np.ascontiguousarray(umap.places)}, about))
