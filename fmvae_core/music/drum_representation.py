"""Drum phrases as frames and back (section 4, drum dataset)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fmvae_core.music.drums import DRUMS, DrumMap, drum_map
from fmvae_core.music.phrase import STEP_BEATS, STEPS_PER_BAR, Note, Phrase
from fmvae_core.music.representation import Frames

N_DRUMS = len(DRUMS)
HITS = slice(0, N_DRUMS)
VELOCITIES = slice(N_DRUMS, 2 * N_DRUMS)
OFFSETS = slice(2 * N_DRUMS, 3 * N_DRUMS)

# Half a step late is where the next cell begins; one tick of a MIDI file less stays in its own.
_LATEST = 59 / 60


def drum_frames(notes: Iterable[Note], steps: int, kit: DrumMap) -> Frames:
    """Place drum hits on the grid of sixteenths.

    Each hit goes to its nearest step. Its offset is the signed distance from that step over half
    a step, in [-1, 1], **positive = late** (Magenta's GrooVAE uses the opposite sign). Where two
    hits of a drum meet in a cell the louder one wins. Hits outside the grid, and pitches that the
    kit's map does not know, are left out.

    Parameters
    ----------
    notes
        Onsets in beats from the start of the grid.
    steps
        Length of the grid in sixteenths.
    kit
        The map of the device that played.

    Returns
    -------
    frames
        ``(steps, 27)``: 9 hits (0 or 1), 9 velocities (0 to 1), 9 offsets (-1 to 1).
    """
    frames = np.zeros((steps, 3 * N_DRUMS), np.float32)
    for note in notes:
        drum = kit.categories.get(note.pitch)
        if drum is None:
            continue
        position = note.onset / STEP_BEATS
        step = int(np.floor(position + 0.5))
        velocity = note.velocity / 127.0
        if not 0 <= step < steps or velocity <= frames[step, N_DRUMS + drum]:
            continue
        frames[step, drum] = 1.0
        frames[step, N_DRUMS + drum] = velocity
        frames[step, 2 * N_DRUMS + drum] = 2.0 * (position - step)
    return frames


@dataclass(frozen=True)
class DrumRepresentation:
    """Drum phrases as ``(16 * bars, 27)`` frames (section 4, drum dataset).

    Parameters
    ----------
    bars
        Length of the phrases.
    """

    bars: int

    name = "drums"
    features = 3 * N_DRUMS
    voices = N_DRUMS
    attribute_names = ("density", "velocity", "offset")

    @property
    def steps(self) -> int:
        """Steps of a phrase."""
        return self.bars * STEPS_PER_BAR

    def encode(self, phrase: Phrase, kit: DrumMap | None = None) -> Frames:
        """Return the frames ``(steps, 27)`` of a phrase played on a kit (the TD-11 by default).

        Raises
        ------
        ValueError
            If the phrase is not of drums or has another length.
        """
        if not phrase.is_drums:
            raise ValueError("this model plays drums; the phrase is a melody")
        if phrase.bars != self.bars:
            raise ValueError(f"this model takes {self.bars} bars, the phrase has {phrase.bars}")
        return drum_frames(phrase.notes, self.steps, kit or drum_map())

    def decode(
        self,
        frames: Frames,
        tempo: float = 120.0,
        thresholds: npt.ArrayLike = 0.5,
    ) -> Phrase:
        """Return the phrase that frames stand for, in the pitches of Table 4.

        Parameters
        ----------
        frames
            ``(steps, 27)``; hits may be probabilities.
        tempo
            Beats a minute.
        thresholds
            Probability from which a hit sounds; a number or one for each of the 9 drums.
        """
        if frames.shape != (self.steps, self.features):
            raise ValueError(f"expected frames {(self.steps, self.features)}, got {frames.shape}")
        hit_steps, hit_drums = np.nonzero(frames[:, HITS] >= np.asarray(thresholds))
        notes = []
        for step, drum in zip(hit_steps.tolist(), hit_drums.tolist(), strict=True):
            velocity = round(float(frames[step, N_DRUMS + drum]) * 127)
            offset = float(np.clip(frames[step, 2 * N_DRUMS + drum], -1.0, _LATEST))
            notes.append(
                Note(
                    onset=(step + 0.5 * offset) * STEP_BEATS,
                    pitch=DRUMS[drum].pitch,
                    velocity=min(127, max(1, velocity)),
                    duration=STEP_BEATS,
                )
            )
        return Phrase(tuple(notes), self.bars, tempo)

    def onsets(self, frames: Frames, thresholds: npt.ArrayLike = 0.5) -> npt.NDArray[np.bool_]:
        """Return where hits sound, ``(..., steps, 9)``, of frames ``(..., steps, 27)``."""
        return frames[..., HITS] >= np.asarray(thresholds)

    def attributes(
        self, frames: Frames, thresholds: npt.ArrayLike = 0.5
    ) -> npt.NDArray[np.float64]:
        """Return density, velocity and offset of phrases, ``(..., 3)`` (section 4.3).

        Density is the number of hits; velocity (0 to 1) and offset (-1 to 1, positive = late) are
        means over the cells where a hit sounds, and 0 in an empty phrase.

        Parameters
        ----------
        frames
            ``(..., steps, 27)``; hits may be probabilities.
        thresholds
            Probability from which a hit sounds; a number or one for each of the 9 drums.
        """
        hits = self.onsets(frames, thresholds)
        count = hits.sum(axis=(-2, -1)).astype(np.float64)
        shared = np.maximum(count, 1.0)
        velocity = (frames[..., VELOCITIES] * hits).sum(axis=(-2, -1)) / shared
        offset = (frames[..., OFFSETS] * hits).sum(axis=(-2, -1)) / shared
        return np.stack([count, velocity, offset], axis=-1)
