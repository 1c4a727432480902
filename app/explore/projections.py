"""The projections of a bundle, and what to say of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.explore.scales import AXES
from app.state.session import ProjectionName
from fmvae_core.geometry.projection import AttributeAxes, Placement, Projection
from fmvae_core.models.bundle import Bundle
from fmvae_core.projection.umap_file import read_umap

_STRAIGHT = "A straight line in the model's space is a straight line here."
_NOT_DIRECTED = (False, False, False)
_CURVED = (
    "Places tell what is near to what, and nothing else: a straight line in the model's space is "
    "drawn as the curve of its points, each among its nearest landmarks. Every distance that is "
    "shown as a number is one of the model's space."
)


@dataclass(frozen=True)
class Shown:
    """A projection and how it is told.

    Parameters
    ----------
    projection
        Where points land.
    places
        Where the landmarks land, ``(n, 3)``.
    axes
        Text at each axis.
    directed
        Whether each text says what grows along its axis.
    note
        A few words beside the map.
    about
        The same in full.
    """

    projection: Projection
    places: npt.NDArray[np.float32]
    axes: tuple[str, str, str]
    directed: tuple[bool, bool, bool]
    note: str
    about: str


class Projections:
    """The projections of the bundle that was asked for last, each made once."""

    def __init__(self) -> None:
        self._sha256 = ""
        self._made: dict[ProjectionName, Shown] = {}

    def get(self, bundle: Bundle, name: ProjectionName) -> Shown | None:
        """Return a projection of a bundle; None for a UMAP that has to be fitted first."""
        if bundle.sha256 != self._sha256:
            self._sha256, self._made = bundle.sha256, {}
        if name not in self._made:
            made = _MAKERS[name](bundle)
            if made is None:
                return None
            self._made[name] = made
        return self._made[name]


def _pca(bundle: Bundle) -> Shown:
    pca = bundle.pca
    shares = [float(share) for share in pca.explained]
    one, two, three = (f"PC{k}  {share:.0%}" for k, share in enumerate(shares, start=1))
    total = 100.0 * sum(shares)
    return Shown(
        pca,
        pca.project(bundle.landmarks.z),
        (one, two, three),
        directed=_NOT_DIRECTED,
        note=f"{total:.0f} % shown",
        about="The map shows the three directions in which the landmarks differ most: "
        f"{total:.0f} % of their variance. {_STRAIGHT}",
    )


def _attributes(bundle: Bundle) -> Shown:
    z = bundle.landmarks.z
    axes = AttributeAxes.fit(z, bundle.attribute_vectors)
    places = axes.project(z)
    share = 100.0 * float(places.var(axis=0).sum() / max(float(z.var(axis=0).sum()), 1e-12))
    words = [AXES[name] if name is not None else "" for name in axes.names]
    named = [word for word in words if word]
    one, two, three = (word or "other differences" for word in words)
    first, second, third = (bool(word) for word in words)
    about = f"Along the arrows of the map, phrases grow {_listed(named)}"
    if len(named) < len(words):
        about += "; the axis without an arrow shows what else differs most"
    return Shown(
        axes,
        places,
        (one, two, three),
        directed=(first, second, third),
        note=f"{share:.0f} % shown",
        about=f"{about}. Each axis shows what its attribute adds to those before it. Together they "
        f"hold {share:.0f} % of the landmarks' variance. {_STRAIGHT}",
    )


def _umap(bundle: Bundle) -> Shown | None:
    umap = read_umap(bundle)
    if umap is None:
        return None
    count, note = len(umap.places), "not to scale"
    about = f"UMAP puts landmarks together that are near in the model's space. {_CURVED}"
    if umap.fitted < count:
        note = f"{umap.fitted:,} of {count:,} fitted"
        about += f" {umap.fitted:,} landmarks were fitted, the others placed among them."
    return Shown(
        Placement(bundle.landmarks.z, umap.places),
        umap.places,
        ("", "", ""),
        directed=_NOT_DIRECTED,
        note=note,
        about=about,
    )


def _listed(words: list[str]) -> str:
    return " and ".join([*filter(None, [", ".join(words[:-1])]), *words[-1:]])


_MAKERS: dict[ProjectionName, Callable[[Bundle], Shown | None]] = {
    "pca": _pca,
    "attributes": _attributes,
    "umap": _umap,
}
