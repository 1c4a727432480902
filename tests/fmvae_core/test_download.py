"""Downloads against a real HTTP server on the loopback interface."""

from __future__ import annotations

import hashlib
import random
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fmvae_core.data.download import GROOVE, DownloadError, RemoteFile, fetch, groove_zip

CONTENT = random.Random(1).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class FileServer:
    """Serves one file, and can be told to misbehave. Counts what it sends."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.ranges = True
        self.cut_after: list[int] = []  # bytes after which each next answer breaks off
        self.statuses: list[int] = []  # answers to the next requests instead of the file
        self.sent: list[int] = []  # bytes of body, one entry a request
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    def remote(self, **changes: object) -> RemoteFile:
        url = f"http://127.0.0.1:{self._http.server_port}/grooves.zip"
        return RemoteFile(**{"url": url, "sha256": SHA256, "size": len(CONTENT)} | changes)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        if self.statuses:
            self.sent.append(0)
            request.send_error(self.statuses.pop(0))
            return
        body, size = self.content, len(self.content)
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        if asked and self.ranges:
            start = int(asked[1])
            if start >= size:
                self.sent.append(0)
                request.send_error(416)
                return
            body = body[start:]
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        else:
            request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if self.cut_after:
            body = body[: self.cut_after.pop(0)]
        # Counted before it is sent: the client can be done before this thread runs again.
        self.sent.append(len(body))
        request.wfile.write(body)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[FileServer]:
    server = FileServer()
    yield server
    server.close()


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_file_arrives_with_progress(server: FileServer, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = fetch(server.remote(), tmp_path / "new", lambda done, total: told.append((done, total)))
    assert path == tmp_path / "new" / "grooves.zip"
    assert path.read_bytes() == CONTENT
    assert leftovers(tmp_path / "new") == ["grooves.zip"]
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert told == sorted(told)


def test_file_in_the_cache_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    fetch(server.remote(), tmp_path)
    fetch(server.remote(), tmp_path)
    assert server.sent == [len(CONTENT)]


def test_damaged_file_in_the_cache_is_fetched_again(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "grooves.zip").write_bytes(CONTENT[:-1] + b"!")
    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_cut_connection_is_resumed_where_it_broke(server: FileServer, tmp_path: Path) -> None:
    server.cut_after = [100_000, 50_000]
    assert fetch(server.remote(), tmp_path, pause=0).read_bytes() == CONTENT
    assert len(server.sent) == 3
    # What the client has of a cut answer can be less than what was sent, never more.
    assert server.sent[:2] == [100_000, 50_000]
    assert server.sent[2] >= len(CONTENT) - 150_000
    assert server.sent[2] < len(CONTENT)


def test_next_call_fetches_only_the_rest(server: FileServer, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop_half_way(done: int, total: int) -> None:
        if done > total / 2:
            raise Stopped

    with pytest.raises(Stopped):
        fetch(server.remote(), tmp_path, stop_half_way)
    kept = (tmp_path / "grooves.zip.part").stat().st_size
    assert kept > len(CONTENT) / 2

    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.sent[-1] == len(CONTENT) - kept
    assert leftovers(tmp_path) == ["grooves.zip"]


def test_server_without_ranges_starts_over(server: FileServer, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "grooves.zip.part").write_bytes(CONTENT[:100_000])
    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.sent == [len(CONTENT)]


def test_partial_file_longer_than_the_whole_starts_over(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "grooves.zip.part").write_bytes(CONTENT + b"more")
    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_complete_partial_file_is_used_as_it_is(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "grooves.zip.part").write_bytes(CONTENT)
    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT
    assert server.sent == []


def test_partial_of_another_file_is_removed_and_said(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "grooves.zip.part").write_bytes(b"x" * 100_000)
    with pytest.raises(DownloadError, match=r"wrong checksum.*--data PATH"):
        fetch(server.remote(), tmp_path)
    assert leftovers(tmp_path) == []
    assert fetch(server.remote(), tmp_path).read_bytes() == CONTENT


def test_wrong_checksum_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    with pytest.raises(DownloadError, match="wrong checksum"):
        fetch(server.remote(), tmp_path)
    assert leftovers(tmp_path) == []


def test_page_instead_of_the_file_is_refused(server: FileServer, tmp_path: Path) -> None:
    server.content = b"<html>Please log in</html>"
    with pytest.raises(DownloadError, match=r"another size.*log-in page"):
        fetch(server.remote(), tmp_path)
    assert leftovers(tmp_path) == []


def test_server_that_recovers_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503, 500]
    assert fetch(server.remote(), tmp_path, pause=0).read_bytes() == CONTENT


def test_server_that_stays_broken_is_given_up(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [503] * 9
    with pytest.raises(DownloadError, match=r"answers 503.*--data PATH"):
        fetch(server.remote(), tmp_path, pause=0)
    assert len(server.sent) == 3


def test_missing_file_is_asked_for_once(server: FileServer, tmp_path: Path) -> None:
    server.statuses = [404] * 9
    with pytest.raises(DownloadError, match=r"grooves\.zip: the server answers 404"):
        fetch(server.remote(), tmp_path, pause=0)
    assert len(server.sent) == 1


def test_connection_that_breaks_every_time_keeps_what_came(
    server: FileServer, tmp_path: Path
) -> None:
    server.cut_after = [70_000] * 3
    with pytest.raises(DownloadError, match="cannot be fetched"):
        fetch(server.remote(), tmp_path, pause=0)
    kept = (tmp_path / "grooves.zip.part").read_bytes()
    assert len(kept) > 70_000
    assert kept == CONTENT[: len(kept)]


def test_nobody_listening_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/grooves.zip"
        with pytest.raises(DownloadError) as caught:
            fetch(RemoteFile(url, SHA256, len(CONTENT)), tmp_path, pause=0)
    assert url in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert "--data PATH" in str(caught.value)


def test_full_disk_is_said_and_what_came_is_kept(server: FileServer, tmp_path: Path) -> None:
    # A limit on the size of files fails a write in the middle, as a full disk does.
    program = """
import resource, sys
from pathlib import Path
from fmvae_core.data.download import DownloadError, RemoteFile, fetch
import pooch, requests
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    fetch(RemoteFile(sys.argv[1], sys.argv[2], int(sys.argv[3])), Path(sys.argv[4]))
except DownloadError as error:
    print(error)
    sys.exit(3)
"""
    remote = server.remote()
    done = subprocess.run(
        [sys.executable, "-c", program, remote.url, SHA256, str(len(CONTENT)), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert "File too large" in done.stdout
    assert "FLATJAM_CACHE" in done.stdout
    assert (tmp_path / "grooves.zip.part").stat().st_size <= 100_000
    assert fetch(remote, tmp_path).read_bytes() == CONTENT


def test_folder_that_cannot_be_made_is_said(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match="FLATJAM_CACHE"):
        fetch(server.remote(), tmp_path / "file" / "corpora")


def test_groove_lies_in_the_cache_under_its_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GROOVE.name == "groove-v1.0.0-midionly.zip"
    # A partial file of the full size but wrong content is judged without asking the network.
    corpora = tmp_path / "corpora"
    corpora.mkdir()
    (corpora / f"{GROOVE.name}.part").write_bytes(bytes(GROOVE.size))
    monkeypatch.setenv("FLATJAM_CACHE", str(tmp_path))
    with pytest.raises(DownloadError, match="wrong checksum"):
        groove_zip()
    assert leftovers(corpora) == []
