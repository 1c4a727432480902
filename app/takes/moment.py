"""What is so at a beat of a take, shown on a banner and both players' grids."""

from __future__ import annotations

from app.jam.jam_presenter import count_heard
from app.jam.jam_view import PlayerGrid
from app.widgets.jam_banner import JamBanner
from fmvae_core.jam.replay import Passage, Replay
from fmvae_core.jam.words import answer_words
from fmvae_core.music.phrase import STEPS_PER_BEAT, Phrase

_HAIR = 1e-3  # beats


class MomentDisplay:
    """Shows moments of one take after another; what has not changed is not drawn anew.

    Parameters
    ----------
    banner, human, machine
        Where to show them.
    """

    def __init__(self, banner: JamBanner, human: PlayerGrid, machine: PlayerGrid) -> None:
        self._banner = banner
        self._human = human
        self._machine = machine
        self._shown: tuple[object, object] = (None, None)

    def forget(self) -> None:
        """Take note that another take comes."""
        self._shown = (None, None)

    def show(self, replay: Replay, beat: float) -> None:
        """Show what is so at a beat; at the very end, what was last is still to be seen."""
        moment = replay.at(min(beat, replay.beats - _HAIR))
        self._banner.show_state(moment.state, moment.bar, moment.bars, moment.beat, moment.tempo)
        self._show_human(moment.human, beat)
        self._show_machine(moment.machine)
        for grid, passage in (
            (self._human.grid, moment.human),
            (self._machine.grid, moment.machine),
        ):
            grid.set_tempo(moment.tempo)
            is_on = passage is not None and passage.turn.start <= beat < passage.turn.end
            start = passage.turn.start if passage is not None else 0.0
            grid.set_playhead((beat - start) * STEPS_PER_BEAT if is_on else None)

    def _show_human(self, passage: Passage | None, beat: float) -> None:
        """Show what has been played by now of a turn, and at its end what the model heard."""
        notes = () if passage is None else passage.phrase.notes
        start = 0.0 if passage is None else passage.turn.start
        played = tuple(note for note in notes if start + note.onset <= beat)
        is_known = passage is not None and passage.known <= beat and bool(passage.heard)
        shown = (passage is None, start, len(played), is_known)
        if shown == self._shown[0]:
            return
        self._shown = (shown, self._shown[1])
        player = self._human
        if passage is None:
            player.show_phrase(None)
            player.set_heard(None)
            player.note.setText("")
            return
        is_drums = passage.phrase.is_drums
        phrase = Phrase(played, passage.phrase.bars, is_drums=is_drums)
        player.show_phrase(phrase)
        player.set_heard(passage.heard if is_known else None)
        heard, of = count_heard(phrase, passage.heard)
        onsets = "hits" if is_drums else "notes"
        player.note.setText(f"the model hears {heard} of {of} {onsets}" if is_known else "")

    def _show_machine(self, passage: Passage | None) -> None:
        shown = (None if passage is None else passage.turn.number,)
        if shown == self._shown[1]:
            return
        self._shown = (self._shown[0], shown)
        player = self._machine
        player.show_phrase(None if passage is None else passage.phrase)
        if passage is None or passage.how is None:
            player.note.setText("")
        else:
            player.note.setText(answer_words(passage.how, passage.heard))
