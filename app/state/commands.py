"""Entries of the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtGui import QUndoCommand

_MERGEABLE = 1


class ChangeState(QUndoCommand):
    """One change of named fields. Changes of one gesture (a drag) merge into one entry.

    Parameters
    ----------
    apply
        Puts values of fields in place.
    text
        What the user did.
    before, after
        Values of the same fields.
    gesture
        Number of the drag this belongs to, or ``None``.
    """

    def __init__(
        self,
        apply: Callable[[Mapping[str, Any]], None],
        text: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        gesture: int | None,
    ) -> None:
        super().__init__(text)
        self._apply = apply
        self._before = dict(before)
        self._after = dict(after)
        self._gesture = gesture

    def id(self) -> int:
        """Return the kind of command that may merge."""
        return _MERGEABLE

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take in a later change of the same gesture; a drag back to its start leaves no entry."""
        if not isinstance(other, ChangeState) or self._gesture is None:
            return False
        if other._gesture != self._gesture:
            return False
        self._before = other._before | self._before
        self._after |= other._after
        self.setObsolete(self._before == self._after)
        return True

    def redo(self) -> None:
        """Put the new values in place."""
        self._apply(self._after)

    def undo(self) -> None:
        """Put the old values back."""
        self._apply(self._before)
