"""What the left side of the Train tab says, as rich text."""

from __future__ import annotations

import html

from fmvae_core.runs.messages import CorpusSeen, Going, RunMeasured
from fmvae_core.runs.words import duration_in_words, size_in_words

_LISTED = 6


def going_in_words(going: Going) -> str:
    """Return what is being done, and how far it is."""
    share = f" {going.done:,} of {going.total:,}" if going.total else ""
    return f"{going.stage.capitalize()}{share}…"


def in_red(text: str) -> str:
    """Return a text as what is wrong, safe to show."""
    return f'<span style="color: #ff8177">{html.escape(text, quote=False)}</span>'


def preview_in_words(seen: CorpusSeen) -> str:
    """Return what a corpus holds."""
    lines = []
    if seen.phrases:
        phrases = seen.phrases
        lines.append(
            f"<b>{seen.pieces:,} pieces</b>, {phrases['training']:,} phrases to learn from, "
            f"{phrases['validation'] + phrases['test']:,} set aside to check."
        )
    if seen.skipped:
        why = ", ".join(f"{count:,} {reason}" for reason, count in seen.skipped.items())
        lines.append(f"Skipped: {html.escape(why)}.")
    for file, reason in seen.left_out[:_LISTED]:
        lines.append(f"&nbsp;&nbsp;{html.escape(file)}: {html.escape(reason)}")
    if (more := len(seen.left_out) - _LISTED) > 0:
        lines.append(f"&nbsp;&nbsp;and {more:,} more")
    if seen.problem:
        lines.append(in_red(seen.problem))
    if seen.warning:
        lines.append(f'<span style="color: #f2b452">{html.escape(seen.warning)}</span>')
    lines.append(html.escape(seen.licence))
    return "<br>".join(lines)


def estimate_in_words(measured: RunMeasured) -> str:
    """Return what a run will take."""
    lines = [
        f"<b>About {duration_in_words(measured.seconds)}</b>, "
        f"{size_in_words(measured.memory)} of memory, {size_in_words(measured.disk)} of disk "
        f"({size_in_words(measured.free)} free).",
        f"{html.escape(measured.device)}. {measured.parameters:,} weights, "
        f"{measured.phrases:,} phrases, batches of {measured.batch_size}.",
    ]
    if measured.disk > measured.free:
        lines.append(in_red("There is not enough room on the disk: make room first."))
    return "<br>".join(lines)
