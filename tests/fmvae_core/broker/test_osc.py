"""The broker's OSC door, with real datagrams."""

from __future__ import annotations

import inspect
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import build_msg

from fmvae_core.broker import limits, osc
from fmvae_core.broker.osc import hit_list
from fmvae_core.broker.protocol import VERSION, Heard
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.broker.rig import PATIENCE, BrokerThread, Guest, wait_until

TOKEN = "a token that nobody guesses"


class OscGuest:
    """What Max or Pure Data would be."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(PATIENCE)

    def send(self, name: str, *values: Any) -> None:
        self._socket.send(build_msg(f"/flatjam/{name}", list(values)).dgram)

    def send_raw(self, data: bytes) -> None:
        self._socket.send(data)

    def wait_for(self, name: str) -> list[Any]:
        while True:
            message = OscMessage(self._socket.recv(65536))
            if message.address == f"/flatjam/{name}":
                return message.params

    def __enter__(self) -> OscGuest:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()


@pytest.fixture
def broker() -> Iterator[BrokerThread]:
    with BrokerThread() as broker:
        yield broker


@pytest.fixture
def guest(broker: BrokerThread) -> Iterator[OscGuest]:
    with OscGuest(broker.osc_port) as guest:
        guest.send("hello", 0, "main", "Pd")
        assert guest.wait_for("welcome") == [VERSION, 0]
        yield guest


def test_hits_make_a_phrase_and_its_answer_is_a_list(broker: BrokerThread, guest: OscGuest) -> None:
    with broker.model() as model:
        assert guest.wait_for("model") == [2]
        guest.send("adventure", 9.0)
        guest.send("hit", -0.0625, 0.0, 100.0)  # Pure Data's numbers are all floats
        guest.send("hit", 1.5, 1, 90)
        guest.send("turn", 4, 100.0, 0)
        number, is_final, tempo, bars, *hits = guest.wait_for("answer")
        assert (number, is_final, tempo, bars) == (4, 0, 100.0, 2)
        assert hits == [0, 0, 100, -0.5, 6, 1, 90, 0.0]
        guest.send("hit", 3, 8)
        guest.send("hit", 7.99, 8)  # the landing is no part of the phrase
        guest.send("turn", 4.0, 100.0, 1.0, 77)
        assert guest.wait_for("answer")[1] == 1
        guest.send("turn", 5, 100, 1)
        assert guest.wait_for("answer")[4:] == []
    first, final, silent = (work.request for work in model.works)
    assert len(first.phrase.notes) == 2
    assert not first.is_final
    assert [note.pitch for note in final.phrase.notes] == [36, 38, 51]
    assert (final.seed, final.partner.adventure) == (77, 9.0)
    assert silent.phrase.notes == ()
    assert silent.recent == (final.phrase,)  # the scripted model's answer to it


def test_an_answer_to_part_of_a_turn_never_replaces_the_final_one(
    broker: BrokerThread, guest: OscGuest
) -> None:
    with broker.model(is_held=True) as model:
        guest.send("turn", 3, 120, 0)
        guest.send("turn", 3, 120, 1)
        wait_until(lambda: len(model.works) == 2, "asked")
        early, final = model.works
        model.reply(final)
        model.reply(early)
        model.is_held = False
        guest.send("turn", 4, 120, 0)
        assert [guest.wait_for("answer")[:2] for _ in range(2)] == [[3, 1], [4, 0]]


def test_a_hit_list_tells_step_drum_velocity_and_offset() -> None:
    notes = (Note(0.25 * (7 - 0.5), 36, 1), Note(0.25 * 7, 51, 127), Note(0.25 * 7.49, 38, 64))
    assert hit_list(Phrase(notes, 2)) == pytest.approx(
        [7, 0, 1, -1.0, 7, 8, 127, 0.0, 7, 1, 64, 0.98]
    )


def test_who_is_in_the_room_hears_and_is_heard(broker: BrokerThread, guest: OscGuest) -> None:
    with broker.model(), Guest.player(broker.url, "Ada") as ada:
        ada.ask(1)
        name, *hits = guest.wait_for("heard")
        assert (name, len(hits)) == ("Ada", 4 * 8)
        guest.send("turn", 1, 120, 1)
        assert ada.wait_for(Heard).name == "Pd"


def test_a_hello_said_again_forgets_nothing_and_a_bye_all(
    broker: BrokerThread, guest: OscGuest
) -> None:
    with broker.model() as model:
        guest.send("hit", 1, 0)
        guest.send("hello", 0, "main", "Pd")
        assert guest.wait_for("welcome")[0] == VERSION
        guest.send("turn", 1, 120, 1)
        guest.wait_for("answer")
        assert len(model.works[0].request.phrase.notes) == 1
        guest.send("bye")
        wait_until(lambda: any("Pd by OSC in room main, has gone" in s for s in broker.said), "out")


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("sing", [], "there is no"),
        ("hit", [0.0, 9], "drum"),
        ("hit", [0.0, 0.5], "drum"),
        ("hit", ["one", 0], "beat"),
        ("hit", [float("nan"), 0], "beat"),
        ("hit", [0.0, 0, 100, 1, 1], "at most"),
        ("hit", [0.0, b"\0\0"], "numbers and strings"),
        ("turn", [1, 1e9, 0], "tempo"),
        ("turn", [1e30, 120.0, 0], "number"),
        ("adventure", [-1], "hits"),
        ("adventure", ["x" * 600], "bytes"),
        ("turn", [1, 120, 1], "no model is there"),
    ],
)
def test_what_is_wrong_is_said(guest: OscGuest, name: str, values: list[Any], says: str) -> None:
    guest.send(name, *values)
    (problem,) = guest.wait_for("problem")
    assert says in problem


def test_too_much_wrong_is_the_end(broker: BrokerThread, guest: OscGuest) -> None:
    for _ in range(limits.FAULTS_AT_ONCE + 1):
        guest.send_raw(b"noise")
        (problem,) = guest.wait_for("problem")
    assert "Too much was wrong" in problem
    wait_until(lambda: any("has gone" in line for line in broker.said), "out")


def test_a_token_is_needed_where_there_is_one() -> None:
    with BrokerThread(token=TOKEN) as broker, OscGuest(broker.osc_port) as guest:
        guest.send("hello", 0, "main", "Pd", "wrong")
        wait_until(lambda: any("token is wrong" in line for line in broker.said), "refused")
        guest.send("hit", 0.0, 0)
        wait_until(lambda: any("before /flatjam/hello" in s for s in broker.said), "refused")
        guest.send("hello", 0, "main", "Pd", TOKEN)
        assert guest.wait_for("welcome") == [VERSION, 0]


def test_who_says_nothing_any_more_is_forgotten(
    broker: BrokerThread, guest: OscGuest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OSC_SECONDS", 0.0)
    wait_until(lambda: any("has gone" in line for line in broker.said), "forgotten")


def test_every_message_is_in_the_tables_and_no_other() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "broker.md").read_text("utf-8")
    spoken = re.findall(r'"(/flatjam/\w+)"', inspect.getsource(osc))
    tables = re.findall(r"^\| `(/flatjam/\w+)` \|", text, re.MULTILINE)
    assert set(tables) == set(spoken)
