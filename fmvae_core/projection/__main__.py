"""``python -m fmvae_core.projection``: fits the UMAP of one bundle and ends.

Reads one JSON line from standard input, `FitUmap`, and prints a line for each `FitEvent`. Whoever
wants no more of it kills the process: the cache gets the whole file or none.
"""

from __future__ import annotations

import os

# Before numpy is loaded: the sound comes first, and threads that wait must not spin.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
import sys

from pydantic import ValidationError

from fmvae_core.models.bundle import Bundle, BundleError
from fmvae_core.projection.messages import FitEvent, Fitted, Fitting, FitUmap, NotFitted, Stage
from fmvae_core.projection.umap_file import write_umap
from fmvae_core.projection.umap_fit import fit_umap


def main() -> int:
    """Fit; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="projection: %(message)s")
    try:
        request = FitUmap.model_validate_json(sys.stdin.readline())
    except ValidationError as error:
        print(f"expected one line of JSON that says what to fit: {error}", file=sys.stderr)
        return 2
    if hasattr(os, "nice"):
        os.nice(10)
    # Only messages go out: what a library prints would not be one.
    out, sys.stdout = sys.stdout, sys.stderr

    def tell(message: FitEvent) -> None:
        print(message.model_dump_json(), file=out, flush=True)

    def report(stage: Stage, done: int, total: int) -> None:
        tell(Fitting(stage=stage, done=done, total=total))

    try:
        bundle = Bundle.open(request.bundle)
        if bundle.sha256 != request.sha256:
            raise BundleError(f"the bundle {request.bundle} has changed meanwhile; open it again")
        z = bundle.landmarks.z
        write_umap(bundle, fit_umap(z, bundle.pca.project(z), report))
    except ImportError as error:
        tell(
            NotFitted(
                reason=f"umap-learn cannot be loaded ({error}); install it with "
                "'pip install --force-reinstall umap-learn'"
            )
        )
    except BundleError as error:
        tell(NotFitted(reason=str(error)))
    except OSError as error:
        tell(
            NotFitted(
                reason=f"the cache cannot be written ({error}); make room, or set FLATJAM_CACHE to "
                "another folder"
            )
        )
    else:
        tell(Fitted())
    return 0


if __name__ == "__main__":
    sys.exit(main())
