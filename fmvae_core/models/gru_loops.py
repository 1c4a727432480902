"""The loops over a step's gates that `fused_gru` runs, compiled when this module is imported.

It is imported where a training begins, not before: numba takes a second to load. What it compiles
is kept in the cache of compiled modules, which needs functions of a module, not of a function.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

_ONE, _HALF = np.float32(1.0), np.float32(0.5)

# Sums and products may be fused and reordered; NaN and infinity stay what they are.
compiled = numba.njit(
    cache=True, error_model="numpy", fastmath={"nsz", "arcp", "contract", "reassoc"}
)


@compiled
def tanh(x: Any) -> Any:
    """Return tanh to 2e-7, of arithmetic alone: calls would keep the loop from being vectorised.

    The seventh convergent of Lambert's continued fraction for a quarter of the argument, doubled
    twice.
    """
    x = np.float32(0.25) * x
    x = np.float32(2.4) if x > np.float32(2.4) else x  # and not min(), which would hide a NaN
    x = np.float32(-2.4) if x < np.float32(-2.4) else x
    s = x * x
    over = np.float32(135135.0) + s * (np.float32(17325.0) + s * (np.float32(378.0) + s))
    under = np.float32(62370.0) + s * (np.float32(3150.0) + s * np.float32(28.0))
    t = x * over / (np.float32(135135.0) + s * under)
    t = (t + t) / (np.float32(1.0) + t * t)
    return (t + t) / (np.float32(1.0) + t * t)


@compiled
def forwards(own: Any, given: Any, bias: Any, before: Any, after: Any, kept: Any) -> None:
    """Compute a step's state after, and keep reset, update, new and what the state gave to new.

    Shapes: batch x 3n, batch x 3n, n; batch x n, batch x n; batch x 4n.
    """
    # Loops of one result each, over slices: larger ones are not vectorised.
    batch, n = before.shape
    for row in range(batch):
        resets, updates = kept[row, :n], kept[row, n : 2 * n]
        news, own_shares = kept[row, 2 * n : 3 * n], kept[row, 3 * n :]
        own_reset, reset_in = own[row, :n], given[row, :n]
        for unit in range(n):
            resets[unit] = _HALF + _HALF * tanh(_HALF * (own_reset[unit] + reset_in[unit]))
        own_update, update_in = own[row, n : 2 * n], given[row, n : 2 * n]
        for unit in range(n):
            updates[unit] = _HALF + _HALF * tanh(_HALF * (own_update[unit] + update_in[unit]))
        own_new, new_in = own[row, 2 * n :], given[row, 2 * n :]
        for unit in range(n):
            own_shares[unit] = own_new[unit] + bias[unit]
            news[unit] = tanh(new_in[unit] + resets[unit] * own_shares[unit])
        state, following = before[row], after[row]
        for unit in range(n):
            following[unit] = news[unit] + updates[unit] * (state[unit] - news[unit])


@compiled
def backwards(gradient: Any, back: Any, before: Any, kept: Any, changes: Any) -> None:
    """Compute the gradients of a step's gates, and turn that of its state into that before it.

    Shapes: batch x n, batch x n, batch x n; batch x 4n, batch x 4n. What passes through the state's
    weights is not yet in `back`.
    """
    batch, n = before.shape
    for row in range(batch):
        given, ago, state = gradient[row], back[row], before[row]
        resets, updates = kept[row, :n], kept[row, n : 2 * n]
        news, own_shares = kept[row, 2 * n : 3 * n], kept[row, 3 * n :]
        to_own, to_reset = changes[row, :n], changes[row, n : 2 * n]
        to_update, to_new = changes[row, 2 * n : 3 * n], changes[row, 3 * n :]
        for unit in range(n):
            reset, update, new = resets[unit], updates[unit], news[unit]
            total = given[unit] + ago[unit]
            change = total * (_ONE - update) * (_ONE - new * new)
            to_new[unit] = change
            to_own[unit] = change * reset
            to_reset[unit] = change * own_shares[unit] * reset * (_ONE - reset)
            to_update[unit] = total * (state[unit] - new) * update * (_ONE - update)
            ago[unit] = total * update
