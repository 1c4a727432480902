"""A bundle's networks, with arrays on the outside and torch on the inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from fmvae_core.models.bundle import Bundle, BundleError
from fmvae_core.models.config import ModelConfig
from fmvae_core.models.recurrent_vae import RecurrentVAE

Array = npt.NDArray[np.float32]


class Networks:
    """Encoder and decoder of a bundle, loaded and warm.

    Parameters
    ----------
    bundle
        Where they come from.

    Raises
    ------
    BundleError
        If weights and configuration do not belong together.
    """

    def __init__(self, bundle: Bundle) -> None:
        weights = {
            name: torch.from_numpy(array).float() for name, array in bundle.weights().items()
        }
        try:
            config = ModelConfig.from_dict(bundle.model_config)
            model = RecurrentVAE(config)
            model.load_state_dict(weights)
        except (RuntimeError, TypeError, ValueError) as error:
            first_line = str(error).splitlines()[0]
            raise BundleError(
                f"the networks of {bundle.path} cannot be loaded ({first_line}); "
                "choose another bundle, or update Flatjam"
            ) from None
        if (config.bars, config.latent_dim) != (bundle.bars, bundle.latent_dim):
            raise BundleError(
                f"the networks of {bundle.path} do not fit its landmarks; choose another bundle"
            )
        self.model = model.eval()
        # The first calls of a process are ten times slower: have them before anyone waits.
        self.encode(self.decode(np.zeros((2, config.latent_dim), np.float32)))
        self.decode(np.zeros((1, config.latent_dim), np.float32))

    def encode(self, frames: Array) -> Array:
        """Return the posterior means ``(B, d)`` of frames ``(B, steps, features)``."""
        with torch.inference_mode():
            mean, _ = self.model.encode(torch.from_numpy(frames))
        return mean.numpy()

    def decode(self, z: Array) -> Array:
        """Return frames ``(B, steps, features)``, hits as probabilities, of points ``(B, d)``."""
        with torch.inference_mode():
            return self.model.decode_frames(torch.from_numpy(z)).numpy()
