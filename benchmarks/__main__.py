"""Run the benchmark: each part in a process of its own, warmed up, medians and 99th percentiles.

``python -m benchmarks [PART ...]`` runs all parts or those named, prints the figures and writes
them to ``build/bench.json``, beside those of parts that were not run this time. A part that cannot
run here says why, and its figures are ``null``.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from fmvae_core.files import replacing

PARTS: dict[str, tuple[str, ...]] = {
    "data": ("parse_s", "cached_load_s"),
    "model": ("bundle_open_ms", "encode_ms", "decode_ms", "train_windows_per_s"),
    "train": (
        "step_ms",
        "straightforward_step_ms",
        "step_ratio_cpu",
        "flatness_share",
        "music_vae_step_ms",
        "step_ratio_cpu_small",
        "flatness_share_small",
        "step_ratio_cuda",
        "decode_paper_ms",
        "decode20_paper_ms",
    ),
    "train_window": (
        "train_gui_stall_ms",
        "train_gui_stall_ms_p99",
        "train_xruns",
        "attach_1m_s",
        "train_overhead",
        "train_evaluation_share",
    ),
    "fine_tune": tuple(
        f"fine_tune_{drummer}_{figure}"
        for drummer in ("drummer7", "drummer1")
        for figure in ("f1_before", "f1_after", "minutes")
    ),
    "map": ("map_fps_1k", "map_fps_5k", "map_fps_20k"),
    "start": ("start_s", "worker_ready_s"),
    "live": (
        "swap_ms_p50",
        "swap_ms_p99",
        "first_new_event_ms_p50",
        "first_new_event_ms_p99",
        "late_first_events",
        "swap_beside_map_ms_p50",
        "swap_beside_map_ms_p99",
        "lateness_ms_p50",
        "lateness_ms_p99",
    ),
    "answer": ("answer_ms_p50", "answer_ms_p99", "answers_final", "answers_prepared"),
    "through": ("through_ms_p50", "through_ms_p99", "through_period_ms"),
    "broker": (
        "broker_ms_p50",
        "broker_ms_p99",
        "broker_50_ms_p99",
        "broker_fuzzed",
        "broker_fuzzed_ms_p99",
    ),
}
OUT = Path("build/bench.json")


def main(chosen: list[str]) -> int:
    """Run parts and write their figures; return the exit code."""
    if unknown := set(chosen) - set(PARTS):
        print(f"there is no part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
        return 2
    known: dict[str, Any] = json.loads(OUT.read_text()) if OUT.is_file() else {}
    known["machine"] = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "measured": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    failed = False
    for part in chosen or list(PARTS):
        print(f"{part} ...", flush=True)
        # Its last line is JSON; what it logs goes to the terminal.
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks", "--part", part], stdout=subprocess.PIPE, text=True
        )
        figures: dict[str, Any] = dict.fromkeys(PARTS[part])
        if run.returncode == 0:
            figures |= json.loads(run.stdout.splitlines()[-1])
        else:
            failed = True
            print(f"  failed with exit code {run.returncode}")
        for name, value in figures.items():
            print(f"  {name:<26} {value if not isinstance(value, float) else round(value, 3)}")
        known |= figures
    with replacing(OUT) as scratch:
        scratch.write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    print(f"written to {OUT}")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        figures = importlib.import_module(f"benchmarks.{sys.argv[2]}").measure()
        print(json.dumps(figures))
    else:
        sys.exit(main(sys.argv[1:]))
