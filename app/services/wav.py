"""Writing sound files, in a process of its own: no synth is loaded into the window."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from fmvae_core.music.midi_file import write_midi
from fmvae_core.music.phrase import Phrase

_TIMEOUT_SECONDS = 120


class RenderError(RuntimeError):
    """A sound file that could not be written; the message says why and what to do."""


def render_wav(phrase: Phrase, path: Path, soundfont: str | None) -> Path:
    """Write a phrase to a sound file; blocks until it is there.

    Parameters
    ----------
    phrase
        What to write.
    path
        The file; it is replaced only once all is written.
    soundfont
        Where the sounds come from; ``None`` lets the renderer choose.

    Raises
    ------
    RenderError
        If it cannot be written.
    OSError
        If the process cannot be started.
    """
    with tempfile.TemporaryDirectory(prefix="flatjam-") as folder:
        midi = Path(folder) / "phrase.mid"
        write_midi(phrase, midi)
        command = [sys.executable, "-m", "fmvae_core.cli", "render", str(midi), "--out", str(path)]
        if soundfont:
            command += ["--soundfont", soundfont]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
                cwd=Path(__file__).resolve().parents[2],
            )
        except subprocess.TimeoutExpired:
            raise RenderError("It took too long. Try a smaller SoundFont.") from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        raise RenderError(lines[-1] if lines else "The renderer ended without a word.")
    return path
