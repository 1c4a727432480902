"""A player for Flatjam's broker: sends a groove, and prints the machine's answer as a grid.

Start ``flatjam serve``, then ``python examples/broker_client.py``. It needs nothing of Flatjam,
only ``pip install websockets``. The messages are those of docs/broker.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

VERSION = 1
PITCHES = (36, 38, 50, 47, 43, 46, 42, 49, 51)
NAMES = (
    "bass",
    "snare",
    "high tom",
    "low-mid tom",
    "floor tom",
    "open hat",
    "hi-hat",
    "crash",
    "ride",
)


def groove(bars: int, tempo: float) -> dict[str, Any]:
    """Return a plain rock groove as a phrase of the protocol."""
    notes = []
    for beat in range(4 * bars):
        notes.append({"onset": beat, "pitch": 38 if beat % 2 else 36, "velocity": 100})
        notes += [{"onset": beat + half, "pitch": 42, "velocity": 80} for half in (0.0, 0.5)]
    return {"notes": [note | {"duration": 0.25} for note in notes], "bars": bars, "tempo": tempo}


def grid(phrase: dict[str, Any]) -> str:
    """Return a phrase as text: a line a drum, a sign a sixteenth."""
    rows = [["."] * 16 * phrase["bars"] for _ in PITCHES]
    for note in phrase["notes"]:
        step = int(4 * note["onset"] + 0.5)
        rows[PITCHES.index(note["pitch"])][step] = "X" if note["velocity"] > 80 else "x"
    return "\n".join(f"{name:>12} {''.join(row)}" for name, row in zip(NAMES, rows, strict=True))


def main() -> None:
    """Ask for as many answers as wanted; each answers the one before."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="ws://127.0.0.1:8735")
    parser.add_argument("--token-file", type=Path)
    parser.add_argument("--room", default="main")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--adventure", type=float, default=6.0, help="hits to differ in")
    options = parser.parse_args()
    token = options.token_file.read_text().strip() if options.token_file else ""

    with connect(options.url, proxy=None) as wire:

        def send(**message: Any) -> None:
            wire.send(json.dumps(message))

        def wait_for(*kinds: str) -> dict[str, Any]:
            for text in wire:
                message: dict[str, Any] = json.loads(text)
                if message["kind"] in ("problem", "declined"):
                    raise SystemExit(f"{message['text']}. {message['remedy']}")
                if message["kind"] in kinds:
                    return message
            raise SystemExit("The broker has hung up.")

        send(kind="join", version=VERSION, name="example", room=options.room, token=token)
        model = wait_for("welcome")["model"]
        while model is None:
            print("Waiting for a model ...")
            model = wait_for("model_changed")["model"]
        print(f"{model['title']} answers, {model['bars']} bars at a time.")
        phrase = groove(model["bars"], 100.0)
        print(grid(phrase))
        for number in range(1, options.turns + 1):
            partner = {"adventure": options.adventure}
            request = {"number": number, "phrase": phrase, "is_final": True, "seed": number}
            send(kind="ask", request=request | {"partner": partner})
            answer = wait_for("answered")["answer"]
            print(f"\nAnswer {number}, {answer['changed_hits']} hits changed:")
            print(grid(answer["phrase"]))
            phrase = answer["phrase"]


if __name__ == "__main__":
    main()
