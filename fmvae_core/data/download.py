"""Fetching published corpora: checked, cached, resumed after an interruption."""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fmvae_core.files import cache_dir

if TYPE_CHECKING:
    import requests

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes in all. It may raise to stop the download."""

_ATTEMPTS = 3
_CHUNK = 64 * 1024
_TIMEOUT = 20.0  # seconds without a byte


class DownloadError(RuntimeError):
    """A file that could not be fetched; the message says why and what to do."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Parameters
    ----------
    url
        Where it is.
    sha256
        Checksum, in hexadecimal.
    size
        Bytes.
    """

    url: str
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """The last part of the address, which is the name in the cache."""
        return self.url.rpartition("/")[2]


GROOVE = RemoteFile(
    "https://storage.googleapis.com/magentadata/datasets/groove/groove-v1.0.0-midionly.zip",
    "651cbc524ffb891be1a3e46d89dc82a1cecb09a57c748c7b45b844c4841dcc1e",
    3_260_318,
)
"""The Groove MIDI Dataset without audio (Gillick et al. 2019, CC BY 4.0)."""


def groove_zip(progress: Progress = lambda done, total: None) -> Path:
    """Return the path of the Groove dataset's zip, fetched into the user's cache if need be.

    Raises
    ------
    DownloadError
        If it is not in the cache and cannot be fetched.
    """
    return fetch(GROOVE, cache_dir() / "corpora", progress)


def fetch(
    remote: RemoteFile,
    folder: Path,
    progress: Progress = lambda done, total: None,
    *,
    pause: float = 1.0,
) -> Path:
    """Return the path of a file in a folder, fetched if it is not there or is damaged.

    What arrived before an interruption is kept beside it as ``NAME.part``, and the next call asks
    only for the rest.

    Parameters
    ----------
    remote
        What to fetch.
    folder
        Where it is kept; made if need be.
    progress
        Told how far the download is.
    pause
        Seconds before the second attempt; the third waits twice as long.

    Raises
    ------
    DownloadError
        If the server cannot be reached or breaks off three times, sends something else, or the
        file cannot be written.
    """
    import pooch

    # pooch tells of each download on standard error; here the caller shows the progress.
    pooch.get_logger().setLevel(logging.WARNING)

    def download(url: str, output_file: str, _pooch: object) -> None:
        _download(remote, folder / f"{remote.name}.part", progress, pause)
        os.replace(folder / f"{remote.name}.part", output_file)

    try:
        path = pooch.retrieve(
            remote.url,
            known_hash=f"sha256:{remote.sha256}",
            fname=remote.name,
            path=folder,
            downloader=download,
        )
    except ValueError:  # pooch's word for a wrong checksum; it has removed the file
        raise DownloadError(
            f"what came from {remote.url} has a wrong checksum and was removed; "
            + _by_hand("try again")
        ) from None
    except OSError as error:
        raise DownloadError(
            f"{remote.name} cannot be kept in {folder} ({error.strerror or error}); free some "
            "space, or choose another folder with the environment variable FLATJAM_CACHE"
        ) from error
    return Path(path)


def _by_hand(first: str) -> str:
    return f"{first}, or fetch the file by hand and give it with --data PATH"


def _download(remote: RemoteFile, partial: Path, progress: Progress, pause: float) -> None:
    """Bring `partial` to the full size, in up to three attempts."""
    import requests

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            _continue(remote, partial, progress)
            return
        except requests.RequestException as error:
            reason = _reason(error)
        log.info("attempt %d at %s failed: %s", attempt, remote.url, reason)
        if attempt < _ATTEMPTS:
            time.sleep(attempt * pause)
    raise DownloadError(
        f"{remote.url} cannot be fetched ({reason}); " + _by_hand("check the network and try again")
    )


def _continue(remote: RemoteFile, partial: Path, progress: Progress) -> None:
    """Fetch what is missing in `partial`.

    Raises
    ------
    requests.RequestException
        If the connection fails or ends early; what came is kept.
    DownloadError
        If the server does not have the file.
    """
    import requests

    have = partial.stat().st_size if partial.exists() else 0
    if have == remote.size:
        return
    if have > remote.size:
        partial.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(remote.url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            partial.unlink()
            raise requests.ConnectionError("the server does not know how to go on")
        if not answer.ok:
            reason = f"the server answers {answer.status_code} {answer.reason}"
            if answer.status_code < 500:
                raise DownloadError(f"{remote.url}: {reason}; " + _by_hand("try later"))
            raise requests.ConnectionError(reason)
        done = have if _starts_at(answer, have) else 0
        coming = answer.headers.get("Content-Length")
        if coming is not None and done + int(coming) != remote.size:
            raise DownloadError(
                f"{remote.url}: what the server sends has another size than the published file "
                "(is there a log-in page in between?); " + _by_hand("check the network")
            )
        with open(partial, "ab" if done else "wb") as file:
            progress(done, remote.size)
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                done += len(chunk)
                progress(done, remote.size)
                if done > remote.size:
                    return  # not our file: the checksum will say so
    if done < remote.size:
        raise requests.ConnectionError(f"it ended after {done} of {remote.size} bytes")


def _starts_at(answer: requests.Response, offset: int) -> bool:
    """Whether a server does send the rest that it was asked for, not the whole file."""
    if answer.status_code != 206:
        return False
    match = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    return match is not None and int(match[1]) == offset


def _reason(error: requests.RequestException) -> str:
    """Return the innermost cause, which is the one a person understands."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    text = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
    return text or type(cause).__name__
