"""A piece of a collection from the bytes of a MIDI file."""

from __future__ import annotations

import io

from fmvae_core.data.pieces import COMPOUND, Collection, Piece, is_compound
from fmvae_core.music.drum_representation import drum_frames
from fmvae_core.music.drums import DrumMap
from fmvae_core.music.melody_representation import melody_events
from fmvae_core.music.midi_file import MidiFileError, NoNotesError, Performance, read_midi
from fmvae_core.music.phrase import STEPS_PER_BAR

NOT_FOUR_FOUR = "not in 4/4"
UNREADABLE = "unreadable"
NO_DRUMS = "no drums"
NO_MELODY = "no melody"


def add_melody(
    collection: Collection, data: bytes, source: str, style: str, player: str, track: int | None
) -> None:
    """Add the melody of a MIDI file in a simple metre: the highest notes of all or one track."""
    performance = _read(collection, data, source, False, track)
    if performance is None:
        return
    if is_compound(performance.meter):
        collection.skip(source, COMPOUND)
        return
    events = melody_events(performance.notes, performance.bars * STEPS_PER_BAR)
    collection.add(Piece(source, style, player, performance.tempo, events))


def add_drums(
    collection: Collection, data: bytes, source: str, style: str, player: str, kit: DrumMap
) -> None:
    """Add the drums of a MIDI file in 4/4, by the drum map of the device that played."""
    performance = _read(collection, data, source, True, None)
    if performance is None:
        return
    if performance.meter != (4, 4):
        collection.skip(source, NOT_FOUR_FOUR)
        return
    frames = drum_frames(performance.notes, performance.bars * STEPS_PER_BAR, kit)
    collection.add(Piece(source, style, player, performance.tempo, frames))


def _read(
    collection: Collection, data: bytes, source: str, drums: bool, track: int | None
) -> Performance | None:
    """Return what a file plays, or count why it plays nothing."""
    try:
        return read_midi(io.BytesIO(data), drums=drums, track=track)
    except NoNotesError as error:
        collection.skip(source, NO_DRUMS if drums else NO_MELODY, error)
    except MidiFileError as error:
        collection.skip(source, UNREADABLE, error)
    return None
