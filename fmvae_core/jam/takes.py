"""The takes and keeps that there are, and each of them as a journal.

A keep is a short take: the human's phrase and the machine's, one after the other. So it is heard,
shown and exported like any other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fmvae_core.jam.journal import Journal, JournalError, read_head, read_journal, takes_dir
from fmvae_core.jam.keeps import Keep, keeps_dir
from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.jam.records import (
    Answered,
    AnyRecord,
    Asked,
    End,
    Head,
    HumanHit,
    HumanKey,
    Played,
    TurnSet,
)
from fmvae_core.jam.rules import How, Mode, Plays, Settings
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import BEATS_PER_BAR, Phrase

TAKE_SUFFIX, KEEP_SUFFIX = ".jsonl", ".json"

_BUNDLE = re.compile(rb'"bundle":"([0-9a-f]+)"')
_LET_GO = b'"velocity":0,'  # in the line of a key
_DRUMS = {drum.pitch: index for index, drum in enumerate(DRUMS)}


@dataclass(frozen=True)
class Summary:
    """What a list tells of a take or a keep.

    Parameters
    ----------
    path, changed
        Its file, and when that was changed last, in nanoseconds since 1970.
    is_keep
        Which of the two it is.
    when
        Seconds since 1970 at its beginning.
    seconds
        Length.
    tempo
        Beats a minute at its beginning.
    mode
        Who played when at its beginning.
    hits
        How many the human played.
    answers
        How many times the machine played.
    kept
        How many times both were kept in it.
    bundles
        SHA-256 of the models that answered.
    is_whole
        Whether it was stopped, and not cut off.
    """

    path: Path
    changed: int
    is_keep: bool
    when: float
    seconds: float
    tempo: float
    mode: Mode
    hits: int
    answers: int
    kept: int
    bundles: tuple[str, ...]
    is_whole: bool


def read_take(path: Path) -> Journal:
    """Read a take, or a keep as one.

    Raises
    ------
    JournalError
        If it is missing, neither of them, damaged, or of a newer version.
    """
    if path.suffix != KEEP_SUFFIX:
        return read_journal(path)
    try:
        return take_of(Keep.model_validate_json(path.read_bytes()))
    except OSError as error:
        raise JournalError(
            f"{path} cannot be read ({error.strerror or error}); check the path"
        ) from None
    except ValidationError as error:
        raise JournalError(
            f"{path} is not a keep ({error.errors()[0]['msg']}); choose another file"
        ) from None


def summarise(path: Path) -> Summary:
    """Return what a list tells of a take or a keep, without reading all of it.

    Raises
    ------
    JournalError
        If it cannot be read.
    """
    if path.suffix == KEEP_SUFFIX:
        return _summary_of_keep(path, read_take(path))
    changed = _changed(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise JournalError(
            f"{path} cannot be read ({error.strerror or error}); check the path"
        ) from None
    lines = data.rpartition(b"\n")[0]
    head = read_head(path, lines.partition(b"\n")[0])
    try:
        last = json.loads(lines.rpartition(b"\n")[2])
        seconds = max(0.0, float(last["time"]) - head.time)
        is_whole = last["kind"] == "end"
    except (ValueError, LookupError, TypeError):
        raise JournalError(f"the last line of {path} is damaged; choose another file") from None
    bundles = dict.fromkeys(found.decode() for found in _BUNDLE.findall(lines))
    return Summary(
        path=path,
        changed=changed,
        is_keep=False,
        when=head.wall,
        seconds=seconds,
        tempo=head.tempo,
        mode=head.settings.mode,
        hits=lines.count(b'"kind":"hit"') + lines.count(b'"kind":"key"') - lines.count(_LET_GO),
        answers=lines.count(b'"kind":"played"') - lines.count(b'"how":"silent"'),
        kept=lines.count(b'"kind":"kept"'),
        bundles=tuple(bundles),
        is_whole=is_whole,
    )


def find_takes(known: Iterable[Summary] = ()) -> tuple[list[Summary], int]:
    """Return all takes and keeps, the newest first, and how many files could not be read.

    Those that are ``known`` and have not been changed since are not read again.
    """
    before = {(summary.path, summary.changed): summary for summary in known}
    found = []
    bad = 0
    for folder, suffix in ((takes_dir(), TAKE_SUFFIX), (keeps_dir(), KEEP_SUFFIX)):
        for path in folder.glob(f"*{suffix}"):
            try:
                found.append(before.get((path, _changed(path))) or summarise(path))
            except JournalError:
                bad += 1
    found.sort(key=lambda summary: (summary.when, summary.path.name), reverse=True)
    return found, bad


def take_of(keep: Keep) -> Journal:
    """Return a keep as a take: after a count-in the human's phrase, then the machine's."""
    phrases = [phrase for phrase in (keep.human, keep.machine) if phrase is not None]
    plays: Plays = "drums" if phrases[0].is_drums else "melody"
    settings = Settings(bars=phrases[0].bars, count_in_bars=1, plays=plays)
    at: dict[str, Any] = {"time": 0.0, "wall": keep.when}
    head = Head(
        **at,
        settings=settings,
        partner=Partner(),
        tempo=keep.tempo,
        seed=keep.seed or 0,
    )
    records: list[AnyRecord] = []
    start = float(settings.count_in_bars * BEATS_PER_BAR)
    turn = 0
    if keep.human is not None:
        records += _human_turn(keep, keep.human, start, at)
        start += keep.human.beats
        turn = 1
    if keep.machine is not None and keep.z_machine is not None:
        records += _machine_turn(keep, keep.machine, turn, start, at)
        start += keep.machine.beats
    records.append(End(time=60.0 / keep.tempo * start, wall=keep.when, beat=start))
    return Journal(head, tuple(records), is_cut=False)


def _human_turn(keep: Keep, phrase: Phrase, start: float, at: dict[str, Any]) -> list[AnyRecord]:
    bars = phrase.bars
    records: list[AnyRecord] = [
        TurnSet(**at, turn=0, start=start, bars=bars, listens=True, answers=False)
    ]
    records += _hits(phrase, start, at) if phrase.is_drums else _keys(phrase, start, at)
    request = AnswerRequest(number=1, phrase=phrase, is_final=True, seed=keep.seed or 0)
    end = start + phrase.beats
    records.append(Asked(**at, beat=end, turn=0, is_sent=True, request=request))
    return records


def _hits(phrase: Phrase, start: float, at: dict[str, Any]) -> list[HumanHit]:
    return [
        HumanHit(
            **at,
            beat=start + note.onset,
            drum=_DRUMS[note.pitch],
            velocity=note.velocity,
            turn=0,
        )
        for note in phrase.notes
        if note.pitch in _DRUMS
    ]


def _keys(phrase: Phrase, start: float, at: dict[str, Any]) -> list[HumanKey]:
    moves = [
        move
        for note in phrase.notes
        for move in (
            (start + note.onset, note.pitch, note.velocity),
            (start + note.onset + note.duration, note.pitch, 0),
        )
    ]
    moves.sort(key=lambda move: (move[0], move[2] > 0))  # a key is let go before it goes down again
    return [
        HumanKey(**at, beat=beat, pitch=pitch, velocity=velocity, turn=0 if velocity else None)
        for beat, pitch, velocity in moves
    ]


def _machine_turn(
    keep: Keep, phrase: Phrase, turn: int, start: float, at: dict[str, Any]
) -> list[AnyRecord]:
    assert keep.z_machine is not None
    answer = Answer(
        number=1,
        phrase=phrase,
        z_human=keep.z_human,
        z_machine=keep.z_machine,
        heard=(),
        sigma=keep.sigma or 0.0,
        changed_hits=0,
        bundle=keep.bundle,
        milliseconds=0.0,
    )
    bars = phrase.bars
    return [
        TurnSet(**at, turn=turn, start=start, bars=bars, listens=False, answers=True),
        Answered(**at, answer=answer),
        Played(**at, turn=turn, start=start, bars=bars, number=1, how=How.FINAL),
    ]


def _changed(path: Path) -> int:
    """Return when a file was changed last; 0 where it is gone meanwhile."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _summary_of_keep(path: Path, journal: Journal) -> Summary:
    records = journal.records
    return Summary(
        path=path,
        changed=_changed(path),
        is_keep=True,
        when=journal.head.wall,
        seconds=records[-1].time,
        tempo=journal.head.tempo,
        mode=journal.head.settings.mode,
        hits=sum(isinstance(r, (HumanHit, HumanKey)) and r.velocity > 0 for r in records),
        answers=sum(isinstance(record, Played) for record in records),
        kept=1,
        bundles=tuple(r.answer.bundle for r in records if isinstance(r, Answered)),
        is_whole=True,
    )
