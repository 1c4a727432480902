"""Long jams with a drummer who is a process of its own: ``python -m benchmarks.soak``.

Each tempo is a process with a JACK server, an engine and a model worker of its own
(`benchmarks.soak_tempo`). By default they follow one another, as a machine has one jam to carry;
``--at-once`` runs them side by side, which is the harder test. The figures go to
``build/soak.json``: sums over the tempos, the largest growth, and under ``tempos`` each tempo's
own; the journals are ``build/soak-TEMPO.jsonl``.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.soak_tempo import Figures, soak
from fmvae_core.files import replacing

COUNTS = (
    "hits",
    "answers",
    "prepared",
    "late",
    "cut",
    "stuck",
    "lost",
    "doubled",
    "misplaced",
    "undelivered",
    "replayed",
    "replay_differences",
)
_PATIENCE = 60.0  # seconds for a soak to end that is of no use any more
GROWTHS = ("rss_growth", "worker_rss_growth")


def start(tempo: float, minutes: float, out: Path) -> subprocess.Popen[str]:
    """Begin a soak at a tempo, in a process of its own; the last line it prints is its figures."""
    take = out / f"soak-{tempo:g}.jsonl"
    take.unlink(missing_ok=True)
    options = ["--tempo", str(tempo), "--minutes", str(minutes), "--take", str(take)]
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.soak", *options], stdout=subprocess.PIPE, text=True
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a soak and return its figures.

    Raises
    ------
    RuntimeError
        If it has failed; it has told why on standard error.
    """
    told, _ = process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"a soak has failed with exit code {process.returncode}")
    figures: dict[str, Any] = json.loads(told.splitlines()[-1])
    return figures


def summary(tempos: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what ``soak.json`` holds."""
    return {
        **{name: sum(figures[name] for figures in tempos) for name in COUNTS},
        **{name: max(figures[name] for figures in tempos) for name in GROWTHS},
        "tempos": {f"{figures['tempo']:g}": figures for figures in tempos},
    }


def run(tempos: list[float], minutes: float, at_once: bool, out: Path) -> dict[str, Any]:
    """Soak at each tempo, write the figures to a folder and return them."""
    out.mkdir(parents=True, exist_ok=True)
    if at_once:
        started: list[subprocess.Popen[str]] = []
        try:
            for tempo in tempos:
                started.append(start(tempo, minutes, out))
            found = [finish(each) for each in started]
        finally:
            for each in started:  # where one has failed, the others are of no use
                if each.poll() is None:
                    each.send_signal(signal.SIGINT)
                    each.communicate(timeout=_PATIENCE)
    else:
        found = [finish(start(tempo, minutes, out)) for tempo in tempos]
    figures = summary(found)
    with replacing(out / "soak.json") as scratch:
        scratch.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return figures


def main() -> None:
    """Soak at each tempo, or at the one that this process is for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="at each tempo")
    parser.add_argument("--tempos", type=float, nargs="+", default=[90.0, 140.0, 200.0])
    parser.add_argument("--at-once", action="store_true", help="all tempos side by side")
    parser.add_argument("--out", type=Path, default=Path("build"), help="folder for the figures")
    parser.add_argument("--tempo", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--take", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    data = os.environ.get("FLATJAM_DATA")
    if not data:
        parser.error("FLATJAM_DATA has to name a folder with the Groove zip")
    if options.tempo is not None:
        figures: Figures = soak(options.tempo, options.minutes, Path(data), options.take)
        print(json.dumps(asdict(figures)))
        return
    found = run(options.tempos, options.minutes, options.at_once, options.out)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
