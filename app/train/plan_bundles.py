"""The bundles that a fine-tuning can begin with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from app.models_menu import ModelEntry, model_entries

_KIND = {"groove": "drums", "ryans_mammoth": "melody", "cello_suites": "melody"}


class PlanBundles:
    """What is in the Models menu, and what the run began with whose settings were taken up.

    Parameters
    ----------
    models
        Returns the entries of the menu.
    """

    def __init__(self, models: Callable[[], Sequence[ModelEntry]]) -> None:
        self._models = models
        self.used: str | None = None
        """Bundle of that run."""

    def offers(self, corpus: str) -> list[tuple[str, str]]:
        """Return path and words of each that can learn from a corpus."""
        kind = _KIND.get(corpus, "")
        return [
            (str(model.path), f"{model.name}: fine-tune it")
            for model in self._all()
            if f"of {kind}" in model.kind
        ]

    def find(self, bundle: str, corpus: str) -> str | None:
        """Return the path under which `offers` has a bundle, if it has it."""
        wanted = Path(bundle).resolve()
        paths = (path for path, _ in self.offers(corpus))
        return next((path for path in paths if Path(path).resolve() == wanted), None)

    def _all(self) -> list[ModelEntry]:
        models = list(self._models())
        if self.used is not None:
            here = {model.path.resolve() for model in models}
            more = model_entries((self.used,))
            used = Path(self.used).resolve()
            models += [m for m in more if m.path.resolve() == used and used not in here]
        return models
