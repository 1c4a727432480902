"""Settings: what is remembered between starts."""

from __future__ import annotations

import logging
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.state.jam import JamChoices
from app.state.session import ColourBy, ProjectionName
from fmvae_core.files import config_dir, replacing
from fmvae_core.live.fields import Level, Program, Tempo

log = logging.getLogger(__name__)

_RECENT = 8

T = TypeVar("T")


class SavedAnchor(BaseModel):
    """An end of the journey."""

    model_config = ConfigDict(frozen=True)

    z: tuple[float, ...]
    label: str
    landmark: int | None = None


class SavedJourney(BaseModel):
    """Where the user was in one bundle."""

    model_config = ConfigDict(frozen=True)

    a: SavedAnchor
    b: SavedAnchor
    position: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    instrument: Program | None = None


class Settings(BaseModel):
    """The file ``settings.json``. A later version with another meaning gets another number.

    Parameters
    ----------
    geometry
        The window's place and size, base64 as Qt gives it.
    splitters
        Sizes of the parts of the window, by splitter.
    soundfont, driver
        As chosen by the user; ``None`` lets the engine choose.
    journeys
        Last anchors, by the bundle's SHA-256.
    projections
        How the map was last shown, by the bundle's SHA-256.
    jam
        What was chosen in the Jam tab.
    """

    model_config = ConfigDict(validate_assignment=True)

    schema_version: Literal[1] = 1
    geometry: str | None = None
    splitters: dict[str, list[int]] = {}
    colour_by: ColourBy = "density"
    tempo: Tempo | None = None
    volume: Level = 0.8
    loop: bool = True
    metronome: bool = False
    soundfont: str | None = None
    driver: str | None = None
    recent_bundles: list[str] = []
    journeys: dict[str, SavedJourney] = {}
    projections: dict[str, ProjectionName] = {}
    jam: JamChoices = JamChoices()

    def remember_bundle(self, path: Path) -> None:
        """Put a bundle at the head of the recent ones."""
        name = str(path.resolve())
        others = [other for other in self.recent_bundles if other != name]
        self.recent_bundles = [name, *others][:_RECENT]

    def remember_journey(self, sha256: str, journey: SavedJourney) -> None:
        """Keep the anchors of a bundle, and those of the bundles used last before it."""
        self.journeys = _latest(self.journeys, sha256, journey)

    def remember_projection(self, sha256: str, projection: ProjectionName) -> None:
        """Keep how a bundle's map is shown, and those of the bundles used last before it."""
        self.projections = _latest(self.projections, sha256, projection)


def _latest(entries: dict[str, T], key: str, entry: T) -> dict[str, T]:
    others = [(other, kept) for other, kept in entries.items() if other != key]
    return dict([*others[-(_RECENT - 1) :], (key, entry)])


def settings_path() -> Path:
    """Return where the settings lie."""
    return config_dir() / "settings.json"


def load_settings() -> tuple[Settings, str | None]:
    """Read the settings.

    Returns
    -------
    settings, trouble
        Where the file is broken it is kept aside, the defaults hold, and ``trouble`` says so.
    """
    path = settings_path()
    try:
        return Settings.model_validate_json(path.read_bytes()), None
    except FileNotFoundError:
        return Settings(), None
    except OSError as error:
        return Settings(), f"The settings in {path} cannot be read ({error})."
    except ValidationError as error:
        aside = path.with_name(f"settings.broken-{datetime.now():%Y%m%d-%H%M%S}.json")
        log.warning("broken settings moved to %s: %s", aside, error)
        try:
            os.replace(path, aside)
        except OSError as trouble:
            return Settings(), f"The settings in {path} are broken and stay there ({trouble})."
        return Settings(), f"The settings were broken. They are kept as {aside}."


def save_settings(settings: Settings) -> None:
    """Write the settings; a crash leaves the old file whole.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    with replacing(settings_path()) as scratch:
        scratch.write_text(settings.model_dump_json(indent=1) + "\n", encoding="utf-8")
