"""How well phrases come back while a run goes on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fmvae_core.data.corpus import Corpus
from fmvae_core.models.recurrent_vae import RecurrentVAE
from fmvae_core.music.drum_representation import HITS
from fmvae_core.training.phrases import Phrases, spread

_PHRASES = 1024


class Validation:
    """Validation phrases, and as many learnt ones: the distance of the two tells of overfitting.

    Parameters
    ----------
    validation, training
        Phrases of the splits; a part of them, spread evenly, stands in for all.
    corpus
        That they are of.
    place
        Puts their frames on the device of the model.
    """

    def __init__(
        self,
        validation: Phrases,
        training: Phrases,
        corpus: Corpus,
        place: Callable[[Tensor], Tensor],
    ) -> None:
        def frames(of: Phrases, most: int) -> Tensor:
            chosen = of.where(spread(len(of), most))
            return place(torch.from_numpy(chosen.frames(corpus)))

        self._unseen = frames(validation, _PHRASES)
        self._learnt = frames(training, len(self._unseen))
        self._representation = corpus.representation

    def figures(self, model: RecurrentVAE) -> dict[str, float | str | bool]:
        """Return what a model makes of both; nothing where there is no validation phrase.

        Decoded from the posterior mean. Drums: hit F1 and error at a probability of 0.5. Melody:
        share of wrong steps. Names of figures on training phrases begin with ``training_``.
        """
        if not len(self._unseen):
            return {}
        values: dict[str, float | str | bool] = dict(self._of(model, self._unseen))
        learnt = self._of(model, self._learnt)
        return values | {f"training_{name}": value for name, value in learnt.items()}

    @torch.inference_mode()
    def _of(self, model: RecurrentVAE, frames: Tensor) -> dict[str, float]:
        raw = model.decode(model.encode(frames)[0])
        values = {"constraint": float(model.likelihood.mean_squared_error(raw, frames))}
        if self._representation == "drums":
            hit, heard = frames[..., HITS] > 0.5, raw[..., HITS] >= 0.0
            both = (hit & heard).sum()
            values["hit_f1"] = float(2 * both / (hit.sum() + heard.sum()).clamp_min(1))
            values["hit_error"] = float((hit != heard).float().mean())
        elif self._representation == "melody":
            wrong = frames.argmax(dim=-1) != raw.argmax(dim=-1)
            values["wrong_steps"] = float(wrong.float().mean())
        return values
