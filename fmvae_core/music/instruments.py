"""Instruments of melodies, as General MIDI numbers them."""

from __future__ import annotations

PIANO = 0
CELLO = 42

INSTRUMENTS: dict[int, str] = {
    PIANO: "Piano",
    4: "Electric piano",
    6: "Harpsichord",
    11: "Vibraphone",
    19: "Church organ",
    22: "Harmonica",
    24: "Guitar",
    32: "Double bass",
    40: "Violin",
    41: "Viola",
    CELLO: "Cello",
    46: "Harp",
    52: "Choir",
    56: "Trumpet",
    66: "Tenor saxophone",
    71: "Clarinet",
    73: "Flute",
    80: "Synth lead",
}
"""Program (from 0) to name: the ones that are offered, a choice from the 128."""

_OF_CORPUS = {"cello_suites": CELLO}


def instrument_of(corpus: str) -> int:
    """Return the program that a corpus's melodies were written for; the piano where it is open."""
    return _OF_CORPUS.get(corpus, PIANO)
