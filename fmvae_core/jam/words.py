"""How an answer is told: on the Jam tab, in a take, in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from fmvae_core.jam.messages import Cell
from fmvae_core.jam.rules import How

_WORDS = {
    How.FINAL: "answers the whole phrase",
    How.PREPARED: "answers what it had heard",
    How.HELD: "holds its answer",
    How.REPEATED: "repeats its answer: no new one has come",
    How.SILENT: "is silent: no answer has come",
}


def answer_words(how: How, heard: Sequence[Cell]) -> str:
    """Return what the machine does, to be read after its name.

    Parameters
    ----------
    how
        What its answer is.
    heard
        The hits that it heard of the phrase which it answers.
    """
    if how is How.FINAL and not heard:
        return "answers, having heard nothing"
    return _WORDS[how]
