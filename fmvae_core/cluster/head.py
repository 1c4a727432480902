"""The job server of a Ray cluster's head, over plain HTTP: neither Ray nor pickle on this side."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any, Literal

from fmvae_core.files import replacing

JobStatus = Literal["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]

ENDED: frozenset[JobStatus] = frozenset({"STOPPED", "SUCCEEDED", "FAILED"})

MOST_BYTES = 95_000_000
"""What the job server takes in one package; its own limit is 100 MiB."""

_TIMEOUT = 30.0
_TRANSFER_SECONDS = 3600  # of a file: Ray ends the transfer after that


class HeadError(ValueError):
    """The head refused something; the message says what and what to do."""


class HeadUnreachableError(HeadError):
    """The head does not answer: it is down, restarting, or elsewhere."""


class Head:
    """One cluster.

    A token is sent where Ray's own places for it hold one: ``RAY_AUTH_TOKEN``, the file that
    ``RAY_AUTH_TOKEN_PATH`` names, or ``~/.ray/auth_token``.

    Parameters
    ----------
    address
        Of the dashboard, ``http://HEAD:8265``.

    Raises
    ------
    HeadError
        If that is no such address.
    """

    def __init__(self, address: str) -> None:
        self.address = checked(address)

    def status(self, job: str) -> tuple[JobStatus, str] | None:
        """Return how a job stands and what the cluster says of it; ``None`` if it knows none."""
        try:
            answer = self._json("GET", f"/api/jobs/{job}")
        except FileNotFoundError:
            return None
        return answer["status"], str(answer.get("message") or "")

    def submit(self, job: str, command: str, package: bytes, environment: dict[str, str]) -> None:
        """Start a job whose working directory is what a zip file holds.

        Raises
        ------
        HeadError
            If the head refuses it.
        """
        name = f"_ray_pkg_{hashlib.sha256(package).hexdigest()[:32]}.zip"
        place = f"/api/packages/gcs/{name}"
        try:
            # To ask for it keeps the cluster from discarding it before the job begins.
            self._ask("GET", place).close()
        except FileNotFoundError:
            self._ask("PUT", place, package).close()
        request = {
            "entrypoint": command,
            "submission_id": job,
            "runtime_env": {"working_dir": f"gcs://{name}", "env_vars": environment},
        }
        self._json("POST", "/api/jobs/", json.dumps(request).encode())

    def stop(self, job: str) -> None:
        """Ask a job to end; one that is not there has ended."""
        try:
            self._json("POST", f"/api/jobs/{job}/stop")
        except FileNotFoundError:
            return

    def words(self, job: str) -> str:
        """Return what a job has printed."""
        try:
            return str(self._json("GET", f"/api/jobs/{job}/logs")["logs"])
        except FileNotFoundError:
            return ""

    def node(self) -> str:
        """Return Ray's identifier of the head's own node.

        Raises
        ------
        HeadUnreachableError
            If it is not there yet.
        """
        for node in self.nodes():
            if node["is_head_node"]:
                return str(node["node_id"])
        raise HeadUnreachableError(f"the cluster at {self.address} has no head at present")

    def nodes(self) -> list[dict[str, Any]]:
        """Return what Ray tells of the machines that are there."""
        found = self._json("GET", "/api/v0/nodes?detail=1&limit=10000")["data"]["result"]["result"]
        return [node for node in found if node["state"] == "ALIVE"]

    def read(self, node: str, file: str, lines: int = -1) -> bytes | None:
        """Return a file below the head's log folder, or its last lines; ``None`` if not there."""
        try:
            with self._file(node, file, lines) as answer:
                return answer.read()
        except FileNotFoundError:
            return None

    def fetch(self, node: str, file: str, to: Path, sha256: str) -> bool:
        """Fetch a file below the head's log folder, whole or not at all.

        Returns
        -------
        bool
            Whether it was there with that checksum: it may just have been replaced.
        """
        try:
            with self._file(node, file, -1) as answer, replacing(to) as scratch:
                with open(scratch, "wb") as written:
                    shutil.copyfileobj(answer, written, 1 << 20)
                with open(scratch, "rb") as written:
                    if hashlib.file_digest(written, "sha256").hexdigest() != sha256:
                        raise FileNotFoundError(file)
        except FileNotFoundError:
            return False
        return True

    # --- requests -------------------------------------------------------------------------------

    @contextmanager
    def _file(self, node: str, file: str, lines: int) -> Iterator[HTTPResponse]:
        query = urllib.parse.urlencode(
            {"node_id": node, "filename": file, "lines": lines, "timeout": _TRANSFER_SECONDS}
        )
        try:
            with self._ask("GET", f"/api/v0/logs/file?{query}") as answer:
                yield answer
        except (HTTPException, ConnectionError, TimeoutError) as error:
            raise HeadUnreachableError(f"{self.address} broke off ({error})") from None

    def _json(self, method: str, path: str, body: bytes | None = None) -> Any:
        with self._ask(method, path, body) as answer:
            try:
                return json.loads(answer.read())
            except (ValueError, HTTPException, OSError) as error:
                raise HeadUnreachableError(
                    f"what answers at {self.address} is no job server of Ray ({error})"
                ) from None

    def _ask(self, method: str, path: str, body: bytes | None = None) -> HTTPResponse:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token := _token():
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(
            self.address + path, data=body, headers=headers, method=method
        )
        try:
            answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace").strip()
            if error.code == 404 or "A file is not found at" in text:
                raise FileNotFoundError(path) from None
            raise self._refused(error.code, text) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise HeadUnreachableError(
                f"no head of a cluster answers at {self.address} ({reason})"
            ) from None
        assert isinstance(answer, HTTPResponse)
        return answer

    def _refused(self, code: int, text: str) -> HeadError:
        if code in (401, 403):
            return HeadError(
                f"the cluster at {self.address} wants a token; put it into ~/.ray/auth_token or "
                "name its file in RAY_AUTH_TOKEN_PATH"
            )
        last = text.splitlines()[-1] if text else "nothing more"
        if code >= 500:  # of a head, or a proxy before it, that is starting or ending
            return HeadUnreachableError(f"the cluster at {self.address} is not ready ({last})")
        return HeadError(f"the cluster at {self.address} refused: {last} (HTTP {code})")


def checked(address: str) -> str:
    """Return the address of a head in full.

    Raises
    ------
    HeadError
        If it is none.
    """
    parts = urllib.parse.urlsplit(address.strip().rstrip("/"))
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None or parts.query:
        raise HeadError(
            f"'{address}' is not the address of a cluster; write http://HEAD:8265, where HEAD is "
            "the machine that runs 'ray start --head'"
        )
    return parts.geturl()


def _token() -> str:
    if token := os.environ.get("RAY_AUTH_TOKEN"):
        return token.strip()
    place = os.environ.get("RAY_AUTH_TOKEN_PATH")
    file = Path(place) if place else Path.home() / ".ray" / "auth_token"
    try:
        return file.read_text("utf-8").strip()
    except OSError:
        return ""
