"""Device, precision and launch of a training, behind one object that another can replace."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from fmvae_core.training.choices import Precision

_WORKSPACE = ":4096:8"  # cuBLAS adds up in the same order only with a workspace of fixed size


class Hardware:
    """Where a training runs: one process, which has each batch to itself.

    Several processes share a batch, each on a device of its own
    (`fmvae_core.training.many_devices`). All of them do the same steps; of the batch, and of the
    points at which the metric tensor is estimated, each computes its own `rows`. `gather` puts
    those of all together, so that whatever couples a batch is computed of the whole. The gradient
    flows into one's own rows only: that of the whole is the sum over the processes
    (`sum_gradients`). Here all this comes to nothing.

    Parameters
    ----------
    device
        A torch device.
    deterministic
        Whether the same machine shall give the same bits each time, which may be slower.
    """

    rank = 0
    """Number of this process."""

    size = 1
    """Number of processes."""

    local_size = 1
    """Number of those on this machine."""

    dtype = torch.float32
    """Of weights and batches."""

    def __init__(self, device: torch.device, deterministic: bool = False) -> None:
        self.device = device
        self.deterministic = deterministic
        if deterministic:
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", _WORKSPACE)

    @classmethod
    def choose(
        cls,
        name: str = "auto",
        *,
        devices: int = 1,
        nodes: int = 1,
        precision: Precision = "32-true",
        deterministic: bool = False,
    ) -> Hardware:
        """Return the hardware that is asked for. Nothing is launched yet.

        Parameters
        ----------
        name
            ``auto``, ``cpu``, ``cuda`` or ``mps``. ``auto`` is CUDA where there is one, else the
            CPU.
        devices, nodes
            GPUs (or processes, on a CPU) of each machine, and machines. Under torchrun they are its
            own.
        precision
            ``bf16-mixed`` lets encoder and decoder compute with 16 bits, but for the flatness term.
        deterministic
            See `Hardware`.

        Raises
        ------
        ValueError
            If this machine or this torch cannot do it.
        """
        if name == "auto":
            name = "cuda" if torch.cuda.is_available() else "cpu"
        if name.startswith("cuda") and not torch.cuda.is_available():
            build = "a CPU build" if torch.version.cuda is None else "without a usable GPU"
            raise ValueError(
                f"this torch is {build}; run 'make setup TORCH=cuda' on a machine with an NVIDIA "
                "driver, or choose --device cpu"
            )
        if name == "mps":
            if not torch.backends.mps.is_available():
                raise ValueError("this torch finds no GPU of Apple's; choose --device cpu")
            if precision == "64-true" or devices * nodes > 1:
                raise ValueError("MPS is one device of at most 32 bits")
        is_launched = torch.distributed.is_available() and (
            torch.distributed.is_torchelastic_launched()
        )
        if devices * nodes == 1 and precision == "32-true" and not is_launched:
            return cls(torch.device(name), deterministic)
        try:
            from fmvae_core.training.many_devices import ManyDevices
        except ModuleNotFoundError as error:
            raise ValueError(
                f"several devices, and other precisions than 32-true, need {error.name}, which is "
                "not installed; run: pip install 'flatjam[devices]'"
            ) from None
        return ManyDevices(name, devices, nodes, precision, deterministic)

    def __str__(self) -> str:
        return str(self.device) if self.size == 1 else f"{self.size} × {self.device.type}"

    @property
    def is_first(self) -> bool:
        """Whether this is the process that reads orders, writes files and tells."""
        return self.rank == 0

    @property
    def alone(self) -> Hardware:
        """The same device and precision, without the other processes."""
        return self

    def launch(self) -> None:
        """Start the other processes, if they are not there yet, and wait until all are ready."""

    def close(self) -> None:
        """Part from the other processes, once all have done the same."""

    def limit_threads(self, asked: int | None) -> None:
        """Use that many threads of the CPU; by default all but one, shared by the processes."""
        spare = max(1, (os.cpu_count() or 2) - 1)
        torch.set_num_threads(asked or max(1, spare // self.local_size))

    def place(self, module: nn.Module) -> None:
        """Move a module to the device."""
        module.to(self.device, self.dtype)

    def to_device(self, tensor: Tensor) -> Tensor:
        """Return the tensor on the device, real numbers as `dtype`."""
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else None)

    def generator(self, *seed: int) -> torch.Generator:
        """Return a random generator on the device, a function of the seed's parts alone.

        Every process draws for all rows and takes its own, so what a phrase gets is a function of
        its place in the batch, however many share it.
        """
        mixed = 0
        for part in seed:
            mixed = (mixed * 1_000_003 + part + 1) % (2**63 - 1)
        return torch.Generator(self.device).manual_seed(mixed)

    def rows(self, count: int) -> slice:
        """Return which of `count` rows this process computes."""
        return rows_of(self.rank, self.size, count)

    def gather(self, own: Tensor, count: int) -> Tensor:
        """Return all ``(count, ...)`` rows, of which `own` are those of this process."""
        return own

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Make each gradient the sum of those of all processes."""

    def highest(self, value: int) -> int:
        """Return the highest of the values of all processes."""
        return value

    def from_first(self, tensor: Tensor) -> Tensor:
        """Return the first process's tensor; all give one of the same shape and type."""
        return tensor

    def autocast(self) -> AbstractContextManager[object]:
        """Let what is computed within have the precision that was chosen."""
        return nullcontext()

    @contextmanager
    def full_precision(self) -> Iterator[None]:
        """Switch TF32 off: its noise, divided by the Taylor step, would swamp the Jacobian.

        Where it was asked for, only operations that are deterministic are allowed within, too.
        """
        matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        strict = torch.are_deterministic_algorithms_enabled()
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.use_deterministic_algorithms(self.deterministic)
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = matmul
            torch.backends.cudnn.allow_tf32 = cudnn
            torch.use_deterministic_algorithms(strict)


def rows_of(rank: int, size: int, count: int) -> slice:
    """Return which of `count` rows the process `rank` of `size` computes."""
    return slice(rank * count // size, (rank + 1) * count // size)
