"""What a report is made of, for any way of writing it down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Parameters
    ----------
    title
        Above it.
    header
        Of the columns.
    rows
        Of as many texts each.
    best
        Row and column of what is best in its column.
    quiet
        Rows that are for reference: the paper's own, and what was not run.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    best: frozenset[tuple[int, int]] = frozenset()
    quiet: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Picture:
    """A PNG with the name of its file and what it shows."""

    name: str
    caption: str
    png: bytes


@dataclass(frozen=True)
class Section:
    """A heading, what to know, and what there is to see."""

    title: str
    text: str
    blocks: tuple[Table | Picture, ...]


@dataclass(frozen=True)
class Chapter:
    """All sections about one preset."""

    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Report:
    """Chapters, and the configurations behind them by title."""

    title: str
    summary: str
    chapters: tuple[Chapter, ...]
    configurations: dict[str, dict[str, Any]] = field(default_factory=dict)
