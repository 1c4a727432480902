"""What the files in the folder of a run are called."""

from __future__ import annotations

RECORD_FILE = "run.json"
"""What it shall do."""

STATE_FILE = "state.json"
"""How it stands."""

CHECKPOINT_FILE = "checkpoint.safetensors"
"""All that it needs to go on."""

EVENTS_FILE = "events.jsonl"
"""What each logged step and each evaluation measured."""

EVALUATIONS_FILE = "evaluations.jsonl"
"""The few events that are no steps, once more: to be found without reading millions."""

PACE_FILE = "pace.jsonl"
"""How fast it was, which differs from one time to the next."""

LOG_FILE = "log.txt"
"""What its process said."""

CLUSTER_FILE = "cluster.json"
"""Where it was sent, if it is trained on a cluster."""

BOARD_FOLDER = "tensorboard"
"""The events once more, for TensorBoard."""
