"""Beats and seconds: a straight line for each tempo, joined end to end."""

from __future__ import annotations


class TempoMap:
    """Maps song beats to seconds and back through changes of tempo.

    Parameters
    ----------
    time
        When beat 0 falls, in seconds.
    tempo
        Beats a minute.
    """

    def __init__(self, time: float, tempo: float) -> None:
        self._lines = [(0.0, time, tempo / 60.0)]  # from this beat, at this time, beats a second

    def time(self, beat: float) -> float:
        """Return when a beat falls, in seconds."""
        start, time, rate = self._lines[0]
        for line in self._lines[1:]:
            if line[0] > beat:
                break
            start, time, rate = line
        return time + (beat - start) / rate

    def beat(self, time: float) -> float:
        """Return the beat at a time in seconds."""
        start, since, rate = self._lines[0]
        for line in self._lines[1:]:
            if line[1] > time:
                break
            start, since, rate = line
        return start + (time - since) * rate

    def change(self, beat: float, tempo: float) -> None:
        """Go on at another tempo from a beat that lies at or after every earlier change."""
        time = self.time(beat)
        if self._lines[-1][0] == beat:
            self._lines.pop()
        self._lines.append((beat, time, tempo / 60.0))

    def forget(self, time: float) -> None:
        """Drop the tempos that had ended before a time in seconds."""
        while len(self._lines) > 1 and self._lines[1][1] <= time:
            del self._lines[0]
