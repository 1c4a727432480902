"""The broker over real WebSockets."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fmvae_core.broker import limits
from fmvae_core.broker.protocol import (
    VERSION,
    Ask,
    Declined,
    Heard,
    Join,
    ModelChanged,
    ModelInfo,
    Problem,
    Reply,
    Serve,
    Welcome,
)
from fmvae_core.broker.server import Broker, Doors
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.broker.fuzz import fuzz
from tests.fmvae_core.broker.rig import (
    MODEL,
    BrokerThread,
    Guest,
    ScriptedModel,
    answer_to,
    groove,
    play_turns,
    request,
    wait_until,
)

TOKEN = "a token that nobody guesses"
JOIN = Join(version=VERSION).model_dump_json()
CLIENTS = 50
TURNS = 3
FUZZED = 3000


@pytest.fixture
def broker() -> Iterator[BrokerThread]:
    with BrokerThread() as broker:
        yield broker


@pytest.fixture
def model(broker: BrokerThread) -> Iterator[ScriptedModel]:
    with broker.model() as model:
        yield model


def test_a_player_asks_and_the_model_answers(broker: BrokerThread, model: ScriptedModel) -> None:
    with Guest.player(broker.url) as player:
        assert player.welcome.model == MODEL
        answer = player.ask(5, phrase=groove())
        assert (answer.number, answer.phrase) == (5, groove())
    wait_until(lambda: any("has gone" in line for line in broker.said), "gone")


def test_others_in_the_room_hear_the_answer(broker: BrokerThread, model: ScriptedModel) -> None:
    with Guest.player(broker.url, "Ada") as ada, Guest.player(broker.url, "Bo") as bo:
        ada.ask(3)
        heard = bo.wait_for(Heard)
        assert (heard.name, heard.player) == ("Ada", ada.welcome.player)
        assert heard.phrase == groove()


def test_a_model_that_declines_says_why(broker: BrokerThread) -> None:
    with Guest.player(broker.url) as player, broker.model(declines=True):
        player.wait_for(ModelChanged)
        player.send(Ask(request=request(1)))
        assert player.wait_for(Declined).text == "It does not please me"


def test_players_are_told_when_the_model_comes_and_goes(broker: BrokerThread) -> None:
    with Guest.player(broker.url) as player:
        assert player.welcome.model is None
        with broker.model(is_held=True) as model:
            assert player.wait_for(ModelChanged).model == MODEL
            player.send(Ask(request=request(1)))
            wait_until(lambda: bool(model.works), "asked")
        assert player.wait_for(ModelChanged).model is None
        assert player.wait_for(Declined).number == 1


# --- who may come in ------------------------------------------------------------------------------


def test_beyond_this_machine_a_token_is_needed() -> None:
    with pytest.raises(ValueError, match="token-file"):
        Broker(Doors("0.0.0.0"))
    with pytest.raises(ValueError, match="at least"):
        Broker(Doors("0.0.0.0", token="short"))
    Broker(Doors("0.0.0.0", token=TOKEN))


@pytest.mark.parametrize("token", ["", "wrong"])
def test_a_wrong_token_is_refused(token: str) -> None:
    with BrokerThread(token=TOKEN) as broker:
        with Guest(broker.url) as stranger:
            stranger.send(Join(version=VERSION, token=token))
            code, problem = stranger.ends()
        assert code == 1008
        assert problem is not None
        assert "token is wrong" in problem.text
        assert problem.is_end
        with Guest.player(broker.url, token=TOKEN) as player, broker.model():
            player.wait_for(ModelChanged)
            player.ask()


def test_a_model_needs_the_token_even_where_players_need_none(broker: BrokerThread) -> None:
    with Guest(broker.url) as stranger:
        stranger.send(Serve(version=VERSION, token="", model=MODEL))
        _, problem = stranger.ends()
    assert problem is not None
    assert "token is wrong" in problem.text


def test_a_model_of_another_bundle_is_refused(broker: BrokerThread, model: ScriptedModel) -> None:
    other = ModelInfo(title="other", bundle="cd" * 32, bars=2)
    with Guest(broker.url) as stranger:
        stranger.send(Serve(version=VERSION, token=broker.broker.model_token, model=other))
        _, problem = stranger.ends()
    assert problem is not None
    assert "another bundle" in problem.text


def test_a_page_in_a_browser_does_not_get_in(broker: BrokerThread) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Guest(broker.url, origin="https://example.org")
    assert refused.value.response.status_code == 403


def test_another_version_is_refused_in_words(broker: BrokerThread) -> None:
    with Guest(broker.url) as guest:
        guest.send(Join(version=VERSION + 1))
        _, problem = guest.ends()
    assert problem is not None
    assert f"speaks version {VERSION}" in problem.text


def test_who_says_nothing_is_put_out(broker: BrokerThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "JOIN_SECONDS", 0.1)
    with Guest(broker.url) as silent:
        _, problem = silent.ends()
    assert problem is not None
    assert "not said who you are" in problem.text


def test_no_more_come_in_than_there_is_room_for(
    broker: BrokerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_CLIENTS", 1)
    with Guest.player(broker.url), Guest(broker.url) as late:
        _, problem = late.ends()
    assert problem is not None
    assert "clients are here" in problem.text


# --- those who do wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "{",
        b"\xff\xfe",
        json.dumps({"kind": "ask"}),
        json.dumps({"kind": "ask", "request": {}, "more": 1}),
        JOIN,
        Reply(job=1, answer=answer_to(request())).model_dump_json(),
    ],
)
def test_what_is_wrong_is_answered_and_after_too_much_of_it_the_end_comes(
    broker: BrokerThread, model: ScriptedModel, text: str | bytes
) -> None:
    with Guest.player(broker.url, "good") as good, Guest.player(broker.url, "bad") as bad:
        for _ in range(limits.FAULTS_AT_ONCE):
            bad.send(text)
            assert not bad.wait_for(Problem).is_end
        bad.send(text)
        code, problem = bad.ends()
        assert code == 1008
        assert problem is not None
        assert problem.is_end
        good.ask(1)


def test_who_sends_too_much_at_once_is_put_out(broker: BrokerThread, model: ScriptedModel) -> None:
    with Guest.player(broker.url, "good") as good, Guest.player(broker.url, "bad") as bad:
        message = Ask(request=request(1, is_final=False)).model_dump_json()
        with suppress(ConnectionClosed):
            for _ in range(100_000):
                bad.send(message)
        code, _ = bad.ends()
        # Whoever is still sending may find the wire cut before it has read why.
        assert code in {1008, None}
        good.ask(1)


def test_a_message_that_is_too_long_ends_its_client_only(
    broker: BrokerThread, model: ScriptedModel
) -> None:
    with Guest.player(broker.url, "good") as good, Guest.player(broker.url, "bad") as bad:
        bad.send(" " * (limits.MAX_MESSAGE_BYTES + 1))
        code, _ = bad.ends()
        assert code == 1009
        good.ask(1)


def test_who_does_not_read_is_put_out_and_holds_up_nobody(
    broker: BrokerThread, model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "OUTBOX", 8)
    monkeypatch.setattr(limits, "MESSAGES_AT_ONCE", 100_000)
    with Guest.player(broker.url, "good") as good:
        with socket.create_connection(("127.0.0.1", broker.port)) as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            _shake_hands(deaf)
            deaf.sendall(_frame(JOIN))
            wait_until(lambda: any("player in room" in line for line in broker.said), "come")

            def is_out() -> bool:  # each final answer goes to everybody in the room
                good.ask(1, phrase=_long_phrase())
                return any("does not read" in line for line in broker.said)

            wait_until(is_out, "put out")
        good.ask(2)


def _long_phrase() -> Phrase:
    notes = tuple(Note(0.01 * index, 36, 100) for index in range(700))
    return Phrase(notes, 2)


def _shake_hands(wire: socket.socket) -> None:
    wire.sendall(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert wire.recv(4096).startswith(b"HTTP/1.1 101")


def _frame(text: str) -> bytes:
    """Return a masked text frame with a mask of zeros."""
    data = text.encode()
    assert len(data) < 126
    return bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data


def test_who_speaks_no_websocket_disturbs_nobody(
    broker: BrokerThread, model: ScriptedModel
) -> None:
    with Guest.player(broker.url) as good:
        for noise in (b"\0" * 64, b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"x" * 20_000, b"\x16\x03"):
            with socket.create_connection(("127.0.0.1", broker.port)) as stranger:
                stranger.sendall(noise)
            good.ask(1)


def test_fifty_play_at_once(broker: BrokerThread, model: ScriptedModel) -> None:
    async def play() -> list[list[float]]:
        players = (play_turns(broker.url, f"room {n % 5}", TURNS) for n in range(CLIENTS))
        return await asyncio.gather(*players)

    waits = asyncio.run(play())
    assert [len(each) for each in waits] == [TURNS] * CLIENTS


def test_nonsense_leaves_it_serving(broker: BrokerThread, model: ScriptedModel) -> None:
    with Guest.player(broker.url) as good:
        sent = asyncio.run(fuzz(broker.url, broker.osc_port, FUZZED, seed=1, check=good.ask))
    assert sent >= FUZZED
    with Guest.player(broker.url) as late:
        assert isinstance(late.welcome, Welcome)
        late.ask(9)
