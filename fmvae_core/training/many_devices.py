"""Several devices, machines and precisions by Lightning Fabric; nothing else here loads it.

Fabric finds the devices, starts a process for each, connects them and knows what mixed precision
is. Gradients and all that is computed of a whole batch are put together here, because a step is no
mean over processes: c^2, the constraint and the mixup points belong to the batch as a whole. Only
tensors are sent, for Fabric and torch pickle all else.
"""

from __future__ import annotations

import atexit
import copy
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import timedelta

import lightning_fabric
import torch
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor, distributed

from fmvae_core.training.choices import Precision
from fmvae_core.training.hardware import Hardware, rows_of

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells what runs tell better

_PARENT, _MEETING = "FLATJAM_FIRST_PROCESS", "FLATJAM_MEETING"
_LOOK_SECONDS = 1.0
_TIMEOUT = timedelta(minutes=30)  # longer than an evaluation, for which the others wait


class ManyDevices(Hardware):
    """Where a training runs: one of several processes, or a precision of its own.

    Parameters
    ----------
    name
        ``cpu``, ``cuda`` or ``mps``.
    devices, nodes
        Processes of each machine, and machines; under torchrun they are its own.
    precision, deterministic
        See `Hardware.choose`.

    Raises
    ------
    ValueError
        If this machine has fewer GPUs.
    """

    def __init__(
        self, name: str, devices: int, nodes: int, precision: Precision, deterministic: bool
    ) -> None:
        if distributed.is_torchelastic_launched():
            devices = int(os.environ["LOCAL_WORLD_SIZE"])
            nodes = int(os.environ["WORLD_SIZE"]) // devices
        if name == "cuda" and devices > torch.cuda.device_count():
            raise ValueError(
                f"this machine has {torch.cuda.device_count()} GPUs that torch can use, fewer than "
                f"the {devices} of --devices"
            )
        self._fabric = lightning_fabric.Fabric(
            accelerator=name,
            devices=devices,
            num_nodes=nodes,
            strategy=_Together() if devices * nodes > 1 else "auto",
            precision=precision,
        )
        super().__init__(self._fabric.device, deterministic)
        self.dtype = torch.float64 if precision == "64-true" else torch.float32
        self.rank = self._fabric.global_rank
        self.size = self._fabric.world_size
        self.local_size = devices
        self._nodes = nodes

    @property
    def alone(self) -> Hardware:
        """The same device and precision, without the other processes."""
        apart = copy.copy(self)
        apart.rank, apart.size = 0, 1
        return apart

    def launch(self) -> None:
        """Start the other processes, if they are not there yet, and wait until all are ready."""
        if self.size > 1:
            if self._fabric.local_rank > 0 and (parent := os.environ.get(_PARENT)):
                threading.Thread(target=_end_with_parent, args=(int(parent),), daemon=True).start()
            environment = getattr(self._fabric.strategy, "cluster_environment", None)
            starts_others = environment and not environment.creates_processes_externally
            if starts_others:
                os.environ[_PARENT] = str(os.getpid())
            if starts_others and self._nodes == 1:
                folder = tempfile.mkdtemp(prefix="flatjam-")
                atexit.register(shutil.rmtree, folder, ignore_errors=True)
                os.environ[_MEETING] = os.path.join(folder, "meeting")
        self._fabric.launch()

    def close(self) -> None:
        """Part from the other processes, once all have done the same."""
        if self.size > 1:
            self._fabric.barrier()
            distributed.destroy_process_group()

    def gather(self, own: Tensor, count: int) -> Tensor:
        """Return all ``(count, ...)`` rows, of which `own` are those of this process."""
        if self.size == 1:
            return own
        parts = [rows_of(rank, self.size, count) for rank in range(self.size)]
        counts = [part.stop - part.start for part in parts]
        missing = own.new_zeros(max(counts) - len(own), *own.shape[1:])
        sent = torch.cat([own.detach(), missing])
        every = [torch.empty_like(sent) for _ in counts]
        distributed.all_gather(every, sent)
        theirs = [rows[:length] for rows, length in zip(every, counts, strict=True)]
        return torch.cat([*theirs[: self.rank], own, *theirs[self.rank + 1 :]])

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Make each gradient the sum of those of all processes."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = flat.split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def highest(self, value: int) -> int:
        """Return the highest of the values of all processes."""
        if self.size == 1:
            return value
        asked = torch.tensor(value, device=self.device)
        distributed.all_reduce(asked, distributed.ReduceOp.MAX)
        return int(asked)

    def from_first(self, tensor: Tensor) -> Tensor:
        """Return the first process's tensor; all give one of the same shape and type."""
        if self.size == 1:
            return tensor
        sent = tensor.detach().to(self.device).contiguous()
        distributed.broadcast(sent, 0)
        return sent.to(tensor.device)

    def autocast(self) -> AbstractContextManager[object]:
        """Let what is computed within have the precision that was chosen."""
        return self._fabric.autocast()


class _Together(DDPStrategy):
    """Processes that Fabric starts on one machine: they meet in a file and speak over loopback.

    What torch meets by else listens on all networks of the machine.
    """

    def setup_environment(self) -> None:
        """Connect the processes."""
        if meeting := os.environ.get(_MEETING):
            if sys.platform != "win32":
                loopback = "lo0" if sys.platform == "darwin" else "lo"
                for library in ("GLOO", "NCCL"):
                    os.environ.setdefault(f"{library}_SOCKET_IFNAME", loopback)
            distributed.init_process_group(
                "nccl" if self.root_device.type == "cuda" else "gloo",
                store=distributed.FileStore(meeting, self.world_size),  # type: ignore[attr-defined]
                rank=self.global_rank,
                world_size=self.world_size,
                timeout=_TIMEOUT,
            )
        super().setup_environment()


def _end_with_parent(parent: int) -> None:
    """End this process once the one that started it is gone: its own wait could last for hours."""
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
