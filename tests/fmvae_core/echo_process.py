"""A process that serves at the endpoint told on its standard input and says back what it hears."""

from __future__ import annotations

import json
import sys
import threading
from typing import Literal

from pydantic import TypeAdapter

from fmvae_core.ipc import Connection, Endpoint, Message, Server


class Say(Message):
    """Some text, and a number to count by."""

    kind: Literal["say"] = "say"
    text: str = ""
    number: int = 0


SAYINGS: TypeAdapter[Say] = TypeAdapter(Say)


def main() -> None:
    """Say everything back; tell the others who left; end on "quit"."""
    quit_asked = threading.Event()

    def answer(connection: Connection[Say], message: Say) -> None:
        if message.text == "quit":
            quit_asked.set()
        else:
            connection.send(message)

    server: Server[Say] = Server(
        Endpoint(**json.loads(sys.stdin.readline())),
        SAYINGS,
        answer,
        on_connect=lambda connection: connection.send(Say(text="welcome")),
        on_disconnect=lambda connection: server.broadcast(Say(text="one left")),
    )
    print("ready", flush=True)
    quit_asked.wait()
    server.close()


if __name__ == "__main__":
    main()
