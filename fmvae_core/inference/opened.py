"""An open bundle, and what it answers by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fmvae_core.geometry.interpolation import lerp, slerp, step_changes
from fmvae_core.inference.messages import (
    AttributeValues,
    DecodeJourney,
    EncodePhrase,
    FrameRows,
    JourneyDecoded,
    LandmarkPlayed,
    Latent,
    PhraseEncoded,
    PlayLandmark,
    Realise,
    Realised,
)
from fmvae_core.inference.networks import Array, Networks
from fmvae_core.inference.solver import Box, solve
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.drums import DEFAULT_DRUM_MAP, drum_map
from fmvae_core.music.melody_representation import MelodyRepresentation
from fmvae_core.music.phrase import Phrase
from fmvae_core.music.representation import Representation

_JOURNEY_BATCH = 8


@dataclass(frozen=True)
class OpenModel:
    """A bundle with its networks and the box that its landmarks span.

    Every answer to a bad request is a ValueError that says what is wrong; what to do.
    """

    bundle: Bundle
    networks: Networks
    box: Box

    @classmethod
    def load(cls, path: str) -> OpenModel:
        """Open the bundle at a path.

        Raises
        ------
        ValueError
            If it is none, or a broken one.
        """
        bundle = Bundle.open(path)
        return cls(bundle, Networks(bundle), Box.around(bundle.landmarks.z))

    @property
    def representation(self) -> Representation:
        """How the bundle's frames stand for notes."""
        return self.bundle.representation

    @property
    def plays_drums(self) -> bool:
        """Whether its phrases are of drums."""
        return isinstance(self.representation, DrumRepresentation)

    def realise(self, command: Realise) -> Realised:
        """Return a point moved by what the sliders ask, and the phrase there."""
        bundle = self.bundle
        solution = solve(
            self.networks.decode,
            self._point(command.z),
            command.asks,
            bundle.attribute_vectors,
            self.box,
            self.representation,
            bundle.thresholds,
        )
        return Realised(
            revision=command.revision,
            z=tuple(solution.z.tolist()),
            frames=_rows(solution.frames),
            phrase=self.representation.decode(solution.frames, command.tempo, bundle.thresholds),
            base=self._named(solution.base),
            achieved=self._named(solution.achieved),
            reach=solution.reach,
        )

    def play_landmark(
        self, command: PlayLandmark, recording: Callable[[int], Phrase]
    ) -> LandmarkPlayed:
        """Return a landmark as it was played; ``recording`` finds it by its number."""
        if not self.bundle.is_of_groove:
            raise ValueError(
                "this landmark cannot be played as played: only recordings of the Groove dataset "
                f"are found again, and this model learnt from {self.bundle.corpus or 'others'}; "
                "hear it as the model hears it"
            )
        phrase = recording(command.landmark)
        if command.tempo is not None:
            phrase = phrase.at_tempo(command.tempo)
        return LandmarkPlayed(
            revision=command.revision,
            landmark=command.landmark,
            phrase=phrase,
            frames=_rows(self._frames(phrase, DEFAULT_DRUM_MAP)),
        )

    def decode_journey(
        self, command: DecodeJourney, is_wanted: Callable[[], bool]
    ) -> JourneyDecoded | None:
        """Return the phrases on the way between two points.

        ``is_wanted`` is asked before every few of them; None if it said no.
        """
        way = lerp if command.method == "lerp" else slerp
        points = way(
            self._point(command.a), self._point(command.b), np.linspace(0, 1, command.points)
        )
        batches = []
        for first in range(0, len(points), _JOURNEY_BATCH):
            if not is_wanted():
                return None
            batches.append(self.networks.decode(points[first : first + _JOURNEY_BATCH]))
        frames = np.concatenate(batches)
        heard = self.representation.onsets(frames, self.bundle.thresholds)
        return JourneyDecoded(
            revision=command.revision,
            frames=tuple(_rows(phrase) for phrase in frames),
            changes=tuple(step_changes(heard).tolist()),
        )

    def encode_phrase(self, command: EncodePhrase) -> PhraseEncoded:
        """Return the point of a phrase."""
        frames = self._frames(command.phrase, command.drum_map)
        z = self.networks.encode(frames[None])[0]
        return PhraseEncoded(revision=command.revision, z=tuple(z.tolist()))

    def _point(self, values: Latent) -> Array:
        z = np.asarray(values, np.float32)
        if z.shape != (self.bundle.latent_dim,) or not np.isfinite(z).all():
            raise ValueError(
                f"a point of this model is {self.bundle.latent_dim} finite numbers; "
                "pick one from the map"
            )
        return z

    def _frames(self, phrase: Phrase, kit: str) -> Array:
        if isinstance(self.representation, DrumRepresentation):
            return self.representation.encode(phrase, drum_map(kit))
        assert isinstance(self.representation, MelodyRepresentation)
        return self.representation.encode(phrase)

    def _named(self, attributes: np.ndarray) -> AttributeValues:
        return dict(zip(self.representation.attribute_names, attributes.tolist(), strict=True))


def _rows(frames: Array) -> FrameRows:
    return tuple(tuple(step) for step in frames.tolist())
