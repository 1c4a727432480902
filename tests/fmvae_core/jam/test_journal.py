"""A journal is on the disk as things happen, whatever becomes of the process or the disk."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fmvae_core.jam import journal as journal_module
from fmvae_core.jam.journal import JournalError, JournalWriter, read_journal
from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.jam.records import (
    Answered,
    Asked,
    Changed,
    End,
    Head,
    HumanHit,
    MidiEvent,
    Played,
    Record,
    TempoSet,
    Trouble,
    TurnSet,
)
from fmvae_core.jam.rules import How, Mode, Settings
from fmvae_core.music.phrase import Note, Phrase

PATIENCE = 30.0
HEAD = Head(time=0.5, wall=1e9, settings=Settings(), partner=Partner(), tempo=120.0, seed=3)
PHRASE = Phrase((Note(-0.1, 36, 100), Note(1.0, 38, 90)), 2, 120.0)
ANSWER = Answer(
    number=1,
    phrase=PHRASE,
    z_human=(0.5, 1.0),
    z_machine=(0.25, -1.5),
    heard=((0, 0),),
    sigma=0.1,
    changed_hits=2,
    bundle="ab",
    milliseconds=9.0,
)
RECORDS: tuple[Record, ...] = (
    MidiEvent(time=1.0, wall=1e9, direction="in", port="TD-11", data=(0x99, 36, 100)),
    HumanHit(time=1.0, wall=1e9, beat=4.01, drum=0, velocity=100, turn=0),
    TurnSet(time=1.5, wall=1e9, turn=1, start=12.0, bars=2, listens=False, answers=True),
    Asked(
        time=2.0,
        wall=1e9,
        beat=11.9,
        turn=0,
        is_sent=True,
        request=AnswerRequest(number=1, phrase=PHRASE, is_final=True, seed=9),
    ),
    Answered(time=2.0, wall=1e9, answer=ANSWER),
    Played(time=2.1, wall=1e9, turn=1, start=12.0, bars=2, number=1, how=How.FINAL),
    TempoSet(time=2.2, wall=1e9, beat=13.0, tempo=90.0),
    Changed(time=2.3, wall=1e9, settings=Settings(mode=Mode.HOLD), partner=Partner(pull=1.0)),
    Trouble(time=2.4, wall=1e9, text="the model has gone away"),
    End(time=2.5, wall=1e9, beat=14.0),
)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def written(path: Path, records: tuple[Record, ...] = RECORDS) -> Path:
    writer = JournalWriter(path, HEAD)
    for record in records:
        writer.write(record)
    writer.close()
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    journal = read_journal(written(tmp_path / "new" / "take.jsonl"))
    assert journal.head == HEAD
    assert journal.records == RECORDS
    assert not journal.is_cut


def test_records_are_on_the_disk_while_the_jam_goes_on(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path / "take.jsonl", HEAD)
    until(lambda: (tmp_path / "take.jsonl").read_bytes().count(b"\n") == 1)
    for count, record in enumerate(RECORDS, start=1):
        writer.write(record)
        until(lambda count=count: len(read_journal(writer.path).records) == count)  # type: ignore[misc]
    writer.close()


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    path = written(tmp_path / "take.jsonl")
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"exists.*choose another"):
        JournalWriter(path, HEAD)
    assert path.read_bytes() == before


def test_a_killed_process_leaves_a_readable_journal(tmp_path: Path) -> None:
    path = tmp_path / "take.jsonl"
    code = (
        "import sys, time\n"
        "from tests.fmvae_core.jam.test_journal import HEAD, RECORDS\n"
        "from fmvae_core.jam.journal import JournalWriter\n"
        "writer = JournalWriter(sys.argv[1], HEAD)\n"
        "while True:\n"
        "    for record in RECORDS:\n"
        "        writer.write(record)\n"
        "    time.sleep(0.001)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(path)])
    try:
        until(lambda: path.exists() and path.stat().st_size > 100_000)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    journal = read_journal(path)
    assert len(journal.records) > 50
    for number, record in enumerate(journal.records):
        assert record == RECORDS[number % len(RECORDS)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return written(tmp_path_factory.mktemp("journal") / "take.jsonl").read_bytes()


@given(data=st.data())
def test_wherever_it_is_cut_the_rest_is_read(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    first = whole.index(b"\n") + 1
    length = data.draw(st.integers(first, len(whole)))
    path = tmp_path_factory.getbasetemp() / "cut.jsonl"
    path.write_bytes(whole[:length])
    journal = read_journal(path)
    complete = whole[:length].count(b"\n") - 1
    assert journal.records == RECORDS[:complete]
    assert journal.is_cut == (not whole[:length].endswith(b"\n"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"MThd\n", "not a journal"),
        (b'{"format": "something else", "version": 1}\n', "not a journal"),
        (b'[1, 2]\n{"kind": "end"}\n', "not a journal"),
        (b'{"format": "flatjam-journal", "version": 3}\n', "newer.*update"),
        (b'{"format": "flatjam-journal", "version": 1}\n', "first line.*damaged"),
        (HEAD.model_dump_json().encode() + b'\n{"kind": "end"}\n', "line 2 .*damaged"),
        (HEAD.model_dump_json().encode() + b"\n\xff\xfe\n", "line 2 .*damaged"),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "take.jsonl"
    path.write_bytes(content)
    with pytest.raises(JournalError, match=words):
        read_journal(path)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="check the path"):
        read_journal(tmp_path / "none.jsonl")


class SmallDisk:
    """Stands before a file: takes what fits, then says that the disk is full."""

    def __init__(self, file: object, room: int) -> None:
        self._file = file
        self.room = room

    def write(self, data: bytearray) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        part = data[: self.room]
        self._file.write(part)  # type: ignore[attr-defined]
        self.room -= len(part)
        return len(part)

    def close(self) -> None:
        self._file.close()  # type: ignore[attr-defined]


def test_a_full_disk_is_told_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RETRY_SECONDS", 0.01)
    told: list[str | None] = []
    full, well = threading.Event(), threading.Event()

    def on_problem(problem: str | None) -> None:
        told.append(problem)
        (well if problem is None else full).set()

    writer = JournalWriter(tmp_path / "take.jsonl", HEAD, on_problem)
    until(lambda: (tmp_path / "take.jsonl").stat().st_size > 0)
    disk = SmallDisk(writer._file, 150)  # in the middle of a line
    writer._file = disk  # type: ignore[assignment]
    for record in RECORDS:
        writer.write(record)
    assert full.wait(PATIENCE)
    assert writer.problem is not None
    assert "No space left" in writer.problem
    assert read_journal(writer.path).is_cut
    disk.room = 10**9
    assert well.wait(PATIENCE)
    writer.close()
    assert len(told) == 2
    assert told[1] is None
    assert writer.dropped == 0
    assert read_journal(writer.path).records == RECORDS


def test_a_disk_that_stays_full_costs_records_but_no_memory_and_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "MOST_WAITING_BYTES", 1000)
    full = threading.Event()
    writer = JournalWriter(tmp_path / "take.jsonl", HEAD, lambda problem: full.set())
    until(lambda: (tmp_path / "take.jsonl").stat().st_size > 0)
    writer._file = SmallDisk(writer._file, 0)  # type: ignore[assignment]
    for _ in range(100):
        writer.write(RECORDS[0])
    assert full.wait(PATIENCE)
    writer.close()
    assert not writer._thread.is_alive()
    assert writer.dropped > 80
    assert len(writer._waiting) <= 1000
    assert read_journal(writer.path).head == HEAD


def test_a_line_is_plain_json(tmp_path: Path) -> None:
    lines = written(tmp_path / "take.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == [
        "head",
        "midi",
        "hit",
        "turn",
        "asked",
        "answered",
        "played",
        "tempo",
        "changed",
        "trouble",
        "end",
    ]
    assert all({"time", "wall"} <= set(json.loads(line)) for line in lines)
