"""What one client of the broker may do, so that it cannot disturb the others."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path

MAX_MESSAGE_BYTES = 64 * 1024
"""A request with four recent answers of four busy bars has some 30 KB."""
MAX_DATAGRAM_BYTES = 512
"""Longest OSC message that is taken in; each is a hit or a turn, never a phrase."""

MESSAGES_PER_SECOND = 20.0
MESSAGES_AT_ONCE = 40
"""Of a player. A jam asks about five times a turn, never faster than once a beat."""
REPLIES_PER_SECOND = 2000.0
REPLIES_AT_ONCE = 200
"""Of a model, which only answers what it was asked."""
DATAGRAMS_PER_SECOND = 100.0
DATAGRAMS_AT_ONCE = 200
"""Of an OSC player, which sends each hit by itself."""

FAULTS_AT_ONCE = 10
FAULTS_PER_SECOND = 0.1
"""What is wrong is answered with a problem; who goes on beyond this is hung up on."""

OUTBOX = 64
"""Messages that wait for a client that does not read; it is hung up on when there are more."""
MOST_CLIENTS = 256
MOST_OSC_PLAYERS = 64
JOIN_SECONDS = 5.0
"""In which a client has to say who it is."""
OSC_SECONDS = 60.0
"""After which an OSC player that says nothing has left."""
JOB_SECONDS = 5.0
"""After which a model that does not answer is hung up on."""

SHORTEST_TOKEN = 16


class Allowance:
    """A number of things at once, and so many a second after that (a token bucket).

    Parameters
    ----------
    at_once, per_second
        How many.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, at_once: float, per_second: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once = at_once
        self._per_second = per_second
        self._clock = clock
        self._left = float(at_once)
        self._seen = clock()

    def take(self) -> bool:
        """Take one, and return whether there was one."""
        now = self._clock()
        self._left = min(self._at_once, self._left + (now - self._seen) * self._per_second)
        self._seen = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address. A name other than localhost may not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_token(given: str, wanted: str) -> bool:
    """Return whether a token is the wanted one, in a time that tells nothing of it."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def read_token(path: Path) -> str:
    """Return the token in a file that nobody else may read.

    Raises
    ------
    ValueError
        If it is too short, or if others may read it.
    OSError
        If it cannot be read.
    """
    if sys.platform != "win32" and path.stat().st_mode & 0o077:
        raise ValueError(f"others may read the token in {path}; chmod 600 {path}")
    token = path.read_text("utf-8").strip()
    if len(token) < SHORTEST_TOKEN:
        raise ValueError(
            f"the token in {path} has fewer than {SHORTEST_TOKEN} characters; "
            "remove the file, and 'flatjam serve --token-file' makes a good one"
        )
    return token


def make_token(path: Path) -> str:
    """Write a new token to a file that only its owner may read, and return it.

    Raises
    ------
    OSError
        If the file exists or cannot be written.
    """
    token = secrets.token_urlsafe(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(token + "\n")
    return token
