"""GRUs in training on a CPU: the gates of a step, and their gradients, in one compiled loop.

Between its matrix products `torch.nn.GRU` spends two thirds of a training step on many small
operations. Here a step is one product and one loop, and the gradient of the recurrent weights is
one product over all steps. It is the same function, to the accuracy of float32.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear


def is_fit_for(module: nn.Module, tensor: Tensor) -> bool:
    """Return whether a module may compute with `recur` what it does with a tensor.

    In training alone: elsewhere `torch.nn.GRU` is as fast, needs no compiled loops, and has the
    derivatives of higher order that exact Jacobians are made of.
    """
    return (
        module.training
        and torch.is_grad_enabled()
        and tensor.device.type == "cpu"
        and tensor.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and _has_numba()
    )


def run(gru: nn.GRU, inputs: Tensor, start: Tensor | None = None, first: int = 0) -> Tensor:
    """Return a GRU's outputs, ``(steps, batch, directions * n)``.

    Parameters
    ----------
    gru
        Its weights are used; `batch_first` is not.
    inputs
        Of the first layer, ``(steps, batch, features)``.
    start
        States before the first step, ``(layers * directions, batch, n)``; zeros if none.
    first
        Layer to begin with; `inputs` and `start` are then what that one hears.
    """
    directions = 2 if gru.bidirectional else 1
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    for layer in range(first, gru.num_layers):
        outputs = []
        for direction in range(directions):
            number = layer * directions + direction
            suffix = f"_l{layer}" + "_reverse" * direction
            into, recurrent, into_bias, bias = (getattr(gru, name + suffix) for name in names)
            given = linear(inputs, into, joint_bias(into_bias, bias))
            if start is None:
                before = inputs.new_zeros(inputs.shape[1], gru.hidden_size)
            else:
                before = start[number - first * directions]
            outputs.append(recur(given, recurrent, bias, before, is_reverse=direction == 1))
        inputs = outputs[0] if directions == 1 else torch.cat(outputs, dim=-1)
    return inputs


def joint_bias(into_bias: Tensor, bias: Tensor) -> Tensor:
    """Return what is to be added to the input's share of the gates, ``(3 * n,)``.

    That is also what the state's bias adds to reset and update; for the new state it is not.
    """
    both = len(bias) // 3 * 2
    return into_bias + torch.cat([bias[:both], torch.zeros_like(bias[both:])])


def recur(
    given: Tensor, recurrent: Tensor, bias: Tensor, start: Tensor, *, is_reverse: bool = False
) -> Tensor:
    """Return a GRU layer's states after each step, ``(steps, batch, n)``; differentiable once.

    Parameters
    ----------
    given
        What the layer's input gives to the gates reset, update and new, with `joint_bias`,
        ``(steps, batch, 3 * n)``; float32, on the CPU.
    recurrent
        Weights of the state, ``(3 * n, n)``.
    bias
        Of the state, ``(3 * n,)``.
    start
        The state before the first step, ``(batch, n)``.
    is_reverse
        Whether the first step is the last.
    """
    states: Tensor = _Recurrence.apply(
        given, recurrent, bias[len(bias) // 3 * 2 :], start, is_reverse
    )
    return states


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, given: Tensor, recurrent: Tensor, bias: Tensor, start: Tensor, is_reverse: bool
    ) -> Tensor:
        from fmvae_core.models import gru_loops as loops  # numba takes a second to load

        steps, batch, gates = given.shape
        n = gates // 3
        given = given.contiguous()
        # One row more: the state before the first step.
        states = given.new_empty(steps + 1, batch, n)
        kept = given.new_empty(steps, batch, 4 * n)
        own = given.new_empty(batch, gates)
        weights = recurrent.t().contiguous()
        order, before, after = _order(steps, is_reverse)
        states[order[0] + before] = start
        state_of = states.unbind()
        given_of, states_of, kept_of = given.numpy(), states.numpy(), kept.numpy()
        own_array, bias_array = own.numpy(), bias.contiguous().numpy()
        for step in order:
            torch.mm(state_of[step + before], weights, out=own)
            loops.forwards(
                own_array,
                given_of[step],
                bias_array,
                states_of[step + before],
                states_of[step + after],
                kept_of[step],
            )
        ctx.save_for_backward(states, kept, recurrent)
        ctx.is_reverse = is_reverse
        return states[:-1] if is_reverse else states[1:]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        from fmvae_core.models import gru_loops as loops

        states, kept, recurrent = ctx.saved_tensors
        steps, batch, _ = kept.shape
        n = states.shape[2]
        order, before, _ = _order(steps, ctx.is_reverse)
        # Of the gates: new as the state gives it, reset, update, new as the input gives it.
        changes = torch.empty_like(kept)
        change_of, kept_of, states_of = changes.numpy(), kept.numpy(), states.numpy()
        gradient_of = gradient.contiguous().numpy()
        back = torch.zeros(batch, n)
        back_array = back.numpy()
        weights = torch.cat([recurrent[2 * n :], recurrent[: 2 * n]])
        own_of = changes[..., : 3 * n].unbind()
        for step in reversed(order):
            loops.backwards(
                gradient_of[step],
                back_array,
                states_of[step + before],
                kept_of[step],
                change_of[step],
            )
            back.addmm_(own_of[step], weights)
        own = changes.view(-1, 4 * n)[:, : 3 * n]
        past = states[1:] if ctx.is_reverse else states[:-1]
        into_weights = own.t() @ past.reshape(-1, n)
        return (
            changes[..., n:],
            torch.cat([into_weights[n:], into_weights[:n]]),
            changes[..., :n].sum(dim=(0, 1)),
            back,
            None,
        )


def _order(steps: int, is_reverse: bool) -> tuple[range, int, int]:
    """Return the steps in their order, and where the states before and after a step lie."""
    return (range(steps - 1, -1, -1), 1, 0) if is_reverse else (range(steps), 0, 1)


@cache
def _has_numba() -> bool:
    try:
        import numba  # noqa: F401
    except ImportError:  # a bare GPU machine
        return False
    return True
