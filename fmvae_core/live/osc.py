"""OSC over UDP: starts, stops and settings in, state out. docs/jam.md has the table.

Only this machine is heard, unless a peer elsewhere is named: then that one is, too. A message that
is too large, unknown or of wrong types does nothing, and is counted.
"""

from __future__ import annotations

import ipaddress
import logging
import math
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Literal, get_args

from fmvae_core.ipc import Message
from fmvae_core.live.control_messages import OscState, SetOsc, Setting
from fmvae_core.live.jam_messages import JamProblem, JamState

log = logging.getLogger(__name__)

LARGEST = 1024
"""Bytes of a datagram; none of ours needs a tenth of it."""

_ANSWER_SECONDS = 0.25  # in which the thread notices that it is to end
_MOST_A_SECOND = 1000  # datagrams; of more, the system drops what we do not fetch
_PREFIX = "/flatjam/"
_SETTINGS: tuple[str, ...] = get_args(Setting)


OscSwitch = Literal["start", "stop", "tap", "keep", "anchor"]
_SWITCHES: dict[str, OscSwitch] = {name: name for name in get_args(OscSwitch)}


class OscError(ValueError):
    """A message that means nothing; the text says why."""


def parse_peer(text: str) -> tuple[str, int]:
    """Return host and port of ``HOST:PORT``.

    Raises
    ------
    ValueError
        If it is no such thing.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"'{text}' is no address; write HOST:PORT, such as 192.168.1.20:9000")
    try:
        info = socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise ValueError(f"'{host}' is not known; write its address, such as 192.168.1.20") from (
            error
        )
    address = info[0][4]
    return str(address[0]), int(address[1])


class Osc:
    """Listens to one port and tells one peer. Every method may be called from any thread.

    Parameters
    ----------
    switch
        Does ``start``, ``stop``, ``tap``, ``keep``, or goes on to the next ``anchor``.
    choose_anchor
        Chooses an anchor by name; a ``ValueError`` says why it cannot.
    set_value
        Changes a setting.
    tell
        Tells every client.
    """

    def __init__(
        self,
        switch: Callable[[OscSwitch], None],
        set_value: Callable[[Setting, float], None],
        choose_anchor: Callable[[str], None],
        tell: Callable[[Message], None],
    ) -> None:
        self._switch = switch
        self._set_value = set_value
        self._choose_anchor = choose_anchor
        self._tell = tell
        self._lock = threading.RLock()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._port = 0
        self._peer: tuple[str, int] | None = None
        self._peer_name = ""
        self._taken = self._refused = 0

    @property
    def state(self) -> OscState:
        """What is listened to and told."""
        with self._lock:
            return OscState(
                port=self._port, peer=self._peer_name, taken=self._taken, refused=self._refused
            )

    def change(self, wanted: SetOsc) -> None:
        """Listen to another port, or tell another peer.

        Raises
        ------
        ValueError
            If the peer is not known.
        OSError
            If the port cannot be listened to.
        """
        peer_name = self._peer_name if wanted.peer is None else wanted.peer
        peer = parse_peer(peer_name) if peer_name else None
        port = self._port if wanted.port is None else wanted.port
        self.close()
        with self._lock:
            self._peer, self._peer_name, self._port = peer, peer_name, 0
            self._taken = self._refused = 0
            if port or peer is not None:
                self._open(port)
        self._tell(self.state)

    def close(self) -> None:
        """Listen no more."""
        with self._lock:
            ending, self._socket = self._socket, None
        if ending is not None and self._thread is not None:
            self._thread.join()
            ending.close()

    def _open(self, port: int) -> None:
        here = self._peer is None or ipaddress.ip_address(self._peer[0]).is_loopback
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if port:
                sock.bind(("127.0.0.1" if here else "0.0.0.0", port))
        except OSError as error:
            sock.close()
            reason = error.strerror or str(error)
            raise OSError(
                f"OSC cannot listen to port {port} ({reason}); choose another port"
            ) from None
        sock.settimeout(_ANSWER_SECONDS)
        self._socket, self._port = sock, port
        if port:
            self._thread = threading.Thread(target=self._listen, args=(sock,), name="osc")
            self._thread.daemon = True
            self._thread.start()
        else:
            self._thread = None

    # --- in ---------------------------------------------------------------------------------------

    def _listen(self, sock: socket.socket) -> None:
        while self._socket is sock:
            try:
                data, (host, _) = sock.recvfrom(LARGEST + 1)
            except TimeoutError:
                continue
            except OSError as error:  # such as one that a peer that is not there has caused
                log.debug("OSC: %s", error)
                continue
            if self._is_heard(host):
                self._take(data)
                time.sleep(1.0 / _MOST_A_SECOND)  # a flood must not keep the engine from its beat

    def _is_heard(self, host: str) -> bool:
        if ipaddress.ip_address(host).is_loopback:
            return True
        return self._peer is not None and host == self._peer[0]

    def _take(self, data: bytes) -> None:
        try:
            for address, values in _messages(data):
                self._do(address, values)
        except OscError as error:
            self._refuse(str(error))
        else:
            with self._lock:
                self._taken += 1

    def _do(self, address: str, values: list[Any]) -> None:
        if not address.startswith(_PREFIX):
            raise OscError(f"{address} means nothing")
        name = address.removeprefix(_PREFIX)
        if name == "anchor" and len(values) == 1 and isinstance(values[0], str):
            try:
                self._choose_anchor(values[0])
            except ValueError as error:
                raise OscError(str(error)) from None
            return
        if name in _SWITCHES:
            # A button of many programs sends 1 when it is pressed and 0 when it is let go.
            if not values or _number(values[-1:]) != 0.0:
                self._switch(_SWITCHES[name])
            return
        if name in ("ask", "level") and len(values) == 2 and isinstance(values[0], str):
            name = f"{name}:{values.pop(0)}"
        if name not in _SETTINGS:
            raise OscError(f"{address} means nothing")
        setting: Any = name
        self._set_value(setting, _number(values))

    def _refuse(self, reason: str) -> None:
        with self._lock:
            self._refused += 1
            is_first = self._refused == 1
        if is_first:
            self._tell(
                JamProblem(
                    text=f"An OSC message was not understood: {reason}.",
                    remedy="See the table in docs/jam.md; further ones are only counted.",
                )
            )
            self._tell(self.state)

    # --- out --------------------------------------------------------------------------------------

    def send_state(self, state: JamState) -> None:
        """Tell the peer where the jam is."""
        with self._lock:
            sock, peer = self._socket, self._peer
        if sock is None or peer is None:
            return
        told: dict[str, str | int] = {
            "state": state.state.value,
            "bar": state.bar,
            "beat": state.beat,
        }
        for name, value in told.items():
            self._send(sock, peer, name, value)

    def _send(
        self, sock: socket.socket, peer: tuple[str, int], name: str, value: str | int
    ) -> None:
        from pythonosc.osc_message_builder import OscMessageBuilder

        builder = OscMessageBuilder(address=_PREFIX + name)
        builder.add_arg(value)
        try:
            sock.sendto(builder.build().dgram, peer)
        except OSError as error:  # nobody listens there, or no network
            log.debug("OSC: %s", error)


def _messages(data: bytes) -> list[tuple[str, list[Any]]]:
    from pythonosc.osc_packet import OscPacket

    if len(data) > LARGEST:
        raise OscError(f"it is larger than {LARGEST} bytes")
    try:
        packet = OscPacket(data)
    except Exception as error:  # the library raises what it comes upon, also RecursionError
        raise OscError("it is no OSC") from error
    if not packet.messages:
        raise OscError("it is empty")
    return [(each.message.address, each.message.params) for each in packet.messages]


def _number(values: list[Any]) -> float:
    if len(values) != 1 or isinstance(values[0], bool) or not isinstance(values[0], (int, float)):
        raise OscError("one number is wanted")
    number = float(values[0])
    if not math.isfinite(number):
        raise OscError("the number is not finite")
    return number
