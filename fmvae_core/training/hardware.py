"""Device, precision and launch of a training, behind one object that another can replace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Hardware:
    """Where a training runs.

    Parameters
    ----------
    device
        A torch device.
    """

    device: torch.device

    @classmethod
    def choose(cls, name: str = "auto") -> Hardware:
        """Return the hardware of that name: ``auto``, ``cpu`` or ``cuda``.

        Raises
        ------
        ValueError
            If CUDA is asked for and this torch cannot use it.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and not torch.cuda.is_available():
            build = "a CPU build" if torch.version.cuda is None else "without a usable GPU"
            raise ValueError(
                f"this torch is {build}; run 'make setup TORCH=cuda' on a machine with an NVIDIA "
                "driver, or choose --device cpu"
            )
        return cls(torch.device(name))

    def place(self, module: nn.Module) -> None:
        """Move a module to the device."""
        module.to(self.device)

    def to_device(self, tensor: Tensor) -> Tensor:
        """Return the tensor on the device."""
        return tensor.to(self.device)

    def generator(self, *seed: int) -> torch.Generator:
        """Return a random generator on the device, a function of the seed's parts alone."""
        mixed = 0
        for part in seed:
            mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 1)
        return torch.Generator(self.device).manual_seed(mixed)

    @contextmanager
    def full_precision(self) -> Iterator[None]:
        """Switch TF32 off: its noise, divided by the Taylor step, would swamp the Jacobian."""
        matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = matmul
            torch.backends.cudnn.allow_tf32 = cudnn
