"""A SoundFont as small as one can be: a drum kit in which every drum is the same tone."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

RATE = 48_000
_GENERATOR_END, _KEY_RANGE, _SAMPLE, _INSTRUMENT, _FIXED_KEY = 0, 43, 53, 41, 46


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", name + b"".join(chunks))


def write_font(
    path: Path, hertz: float, seconds: float = 0.1, level: float = 0.5, bank: int = 128
) -> Path:
    """Write a font whose one preset (program 0 of a bank) sounds like a short sine.

    The layout is that of the SoundFont 2.01 specification, sections 5 to 7.
    """
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * hertz * time) * level * np.linspace(1.0, 0.0, len(time))
    samples = np.concatenate([np.rint(32767 * tone), np.zeros(46)]).astype("<i2").tobytes()

    def header(name: bytes, *fields: bytes) -> bytes:
        return name.ljust(20, b"\0") + b"".join(fields)

    def generators(*pairs: tuple[int, int]) -> bytes:
        return b"".join(struct.pack("<HH", *pair) for pair in (*pairs, (_GENERATOR_END, 0)))

    presets = header(b"Kit", struct.pack("<HHHIII", 0, bank, 0, 0, 0, 0))
    presets += header(b"EOP", struct.pack("<HHHIII", 0, 0, 1, 0, 0, 0))
    instruments = header(b"Tone", struct.pack("<H", 0)) + header(b"EOI", struct.pack("<H", 1))
    sample = struct.pack("<IIIIIBbHH", 0, len(time), 0, len(time), RATE, 60, 0, 0, 1)
    ends = struct.pack("<HH", 0, 0) + struct.pack("<HH", 1, 0)  # of the bags of one zone
    font = b"sfbk" + _list(
        b"INFO", _chunk(b"ifil", struct.pack("<HH", 2, 1)), _chunk(b"INAM", b"Tone\0\0")
    )
    font += _list(b"sdta", _chunk(b"smpl", samples))
    font += _list(
        b"pdta",
        _chunk(b"phdr", presets),
        _chunk(b"pbag", ends),
        _chunk(b"pmod", bytes(10)),
        _chunk(b"pgen", generators((_INSTRUMENT, 0))),
        _chunk(b"inst", instruments),
        _chunk(b"ibag", struct.pack("<HH", 0, 0) + struct.pack("<HH", 3, 0)),
        _chunk(b"imod", bytes(10)),
        _chunk(b"igen", generators((_KEY_RANGE, 127 << 8), (_FIXED_KEY, 60), (_SAMPLE, 0))),
        _chunk(b"shdr", header(b"Tone", sample) + header(b"EOS", bytes(26))),
    )
    path.write_bytes(_chunk(b"RIFF", font))
    return path
