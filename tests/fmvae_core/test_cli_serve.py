"""``flatjam serve`` and ``flatjam jam --broker``: real processes on real ports."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from fmvae_core.broker.limits import make_token
from fmvae_core.jam.journal import read_journal
from fmvae_core.jam.records import Answered
from fmvae_core.models.bundle import Bundle
from tests.conftest import children
from tests.fmvae_core.broker.rig import Command, Guest, free_port, wait_until
from tests.fmvae_core.test_cli_jam import JamCommand

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "broker_client.py"
PATIENCE = 60.0


Start = Callable[..., Command]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(Command(tmp_path, *arguments))


def serve(start: Start, *options: str, port: int = 0) -> Command:
    common = ["--port", str(port), "--osc-port", "0"]
    return start("-m", "fmvae_core.cli", "serve", *options, *common)


def url_of(command: Command) -> str:
    found = re.search(r"ws://\S+:\d+", command.wait_for("Listening"))
    assert found is not None
    return found[0].replace("0.0.0.0", "127.0.0.1")


def test_a_broker_with_its_own_model_answers_and_ends_cleanly(start: Start, bundle: Bundle) -> None:
    before = children()
    broker = serve(start, str(bundle.path))
    url = url_of(broker)
    broker.wait_for("own with tiny")
    with Guest.player(url) as player:
        answer = player.ask(3)
        assert (answer.number, answer.bundle) == (3, bundle.sha256)
        assert answer == player.ask(3).model_copy(update={"milliseconds": answer.milliseconds})
    example = start(str(EXAMPLE), "--url", url)
    assert example.wait() == 0, example.lines
    assert example.text.count("bass") == 3
    assert "Answer 2" in example.text
    broker.process.send_signal(signal.SIGINT)
    assert broker.wait() == 0
    wait_until(lambda: children() <= before, "gone with its model")


@pytest.mark.skipif(sys.platform != "linux", reason="looks for its children in /proc")
def test_a_model_of_its_own_that_dies_is_started_again(start: Start, bundle: Bundle) -> None:
    broker = serve(start, str(bundle.path))
    broker.wait_for("own with tiny, has come")
    models = {
        int(pid)
        for task in Path(f"/proc/{broker.process.pid}/task").iterdir()
        for pid in (task / "children").read_text().split()
    }
    for pid in models:
        os.kill(pid, signal.SIGKILL)
    broker.wait_for("has gone")
    wait_until(lambda: broker.text.count("has come") == 2, "back")


def test_a_model_answers_from_elsewhere(start: Start, bundle: Bundle, tmp_path: Path) -> None:
    token_file = tmp_path / "broker.token"
    broker = serve(start, "--no-model", "--host", "0.0.0.0", "--token-file", str(token_file))
    url = url_of(broker)
    token = token_file.read_text().strip()
    assert token not in broker.text
    options = ["--model-for", url, "--name", "far", "--token-file", str(token_file)]
    model = serve(start, str(bundle.path), *options)
    broker.wait_for("far with tiny")
    with Guest.player(url, token=token) as player:
        assert player.ask().bundle == bundle.sha256
    broker.process.kill()
    model.wait_for("is not there")
    again = serve(
        start, "--no-model", "--token-file", str(token_file), port=int(url.rpartition(":")[2])
    )
    again.wait_for("far with tiny")
    model.process.send_signal(signal.SIGINT)
    model.wait()


def test_a_model_with_a_wrong_token_ends_in_words(
    start: Start, bundle: Bundle, tmp_path: Path
) -> None:
    make_token(tmp_path / "right")
    make_token(tmp_path / "wrong")
    broker = serve(start, "--no-model", "--token-file", str(tmp_path / "right"))
    wrong = ["--model-for", url_of(broker), "--token-file", str(tmp_path / "wrong")]
    model = serve(start, str(bundle.path), *wrong)
    assert model.wait() == 2
    assert "The token is wrong" in model.text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "--token-file"),
        (["--no-model"], "--token-file"),
        (["--model-for", "ws://127.0.0.1:1"], "--token-file"),
        (["nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_is_refused(start: Start, options: list[str], says: str) -> None:
    command = serve(start, *options)
    assert command.wait() == 2
    assert says in command.text
    assert "Traceback" not in command.text


def test_a_port_that_is_taken_is_refused(start: Start, bundle: Bundle) -> None:
    first = serve(start, str(bundle.path))
    port = int(url_of(first).rpartition(":")[2])
    second = serve(start, str(bundle.path), port=port)
    assert second.wait() == 2
    assert "Traceback" not in second.text
    first.process.send_signal(signal.SIGINT)
    assert first.wait() == 0


@pytest.mark.timeout(240)  # some ten turns of two bars
def test_a_jam_takes_the_brokers_answers_and_goes_on_without(
    start: Start, tmp_path: Path, bundle: Bundle
) -> None:
    port = free_port()
    journal = tmp_path / "take.jsonl"
    url = f"ws://127.0.0.1:{port}"
    broker = serve(start, str(bundle.path), port=port)
    broker.wait_for("own with tiny")
    options = ["--bundle", str(bundle.path), "--tempo", "120", "--journal", str(journal)]
    jam = JamCommand(tmp_path, *options, "--mode", "continuous", "--broker", url)
    try:
        jam.wait_for(f"The broker's model answers: {url}")
        jam.wait_for("answers, having heard nothing, by the broker")
        broker.process.send_signal(signal.SIGSTOP)  # it hangs: nobody says so yet
        jam.wait_for("answers, having heard nothing.")
        broker.process.kill()
        jam.wait_for("The broker has gone away")
        own = sum("answers, having heard nothing." in line for line in jam.lines)
        jam.wait_for("answers, having heard nothing.", own + 1)
        theirs = sum("by the broker" in line for line in jam.lines)
        serve(start, str(bundle.path), port=port).wait_for("own with tiny")
        jam.wait_for("by the broker", theirs + 1)
        assert jam.end() == 0
        assert not any("repeats" in line or "silent" in line for line in jam.lines), jam.lines
    finally:
        jam.close()
    answers = [r.answer for r in read_journal(journal).records if isinstance(r, Answered)]
    assert {answer.broker for answer in answers} == {url, ""}
    assert len({answer.number for answer in answers}) == len(answers)


def test_a_jam_with_a_wrong_address_is_refused(tmp_path: Path) -> None:
    jam = JamCommand(tmp_path, "--broker", "example.org")
    try:
        assert jam.process.wait(PATIENCE) == 2
        wait_until(lambda: any("write ws://HOST:PORT" in line for line in jam.lines), "refused")
    finally:
        jam.close()
