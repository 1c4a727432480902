"""Which commands can be used now, and why the others cannot."""

from __future__ import annotations

from dataclasses import dataclass

_NO_BUNDLE = "no model is open; open a bundle first (Ctrl+O)"
_NO_MODEL = "the model is still loading"
_NO_ENGINE = "the sound engine is not there; it is being started"
_NO_PHRASE = "nothing is heard yet; click a point of the map"
_NO_UMAP = (
    "the library umap-learn is missing; install it with 'pip install umap-learn' and start "
    "Flatjam again"
)
_NOT_HERE = "it is of the Explore tab; go there first (F2)"
_OF_EXPLORE = (
    "play.toggle",
    "play.loop",
    "play.metronome",
)
_OF_MAPS = ("view.pca", "view.attributes", "view.umap", "view.reset_map")
_NO_MAP = "there is a map in the Explore and Jam tabs; go there first (F2, F3)"
_NO_JOURNEY = "pin A and B first: point at a landmark and press A or B"


@dataclass(frozen=True)
class Situation:
    """What decides whether a command makes sense."""

    has_bundle: bool = False
    is_model_ready: bool = False
    has_engine: bool = False
    is_engine_given_up: bool = False
    has_phrase: bool = False
    has_journey: bool = False
    is_journey_decoded: bool = False
    has_candidate: bool = False
    has_landmark: bool = False
    has_asks: bool = False
    is_of_groove: bool = False
    has_recordings: bool = False
    is_fetching: bool = False
    is_rendering: bool = False
    has_umap: bool = False
    is_fitting: bool = False
    is_exploring: bool = True
    has_map: bool = True
    is_on_stage: bool = False
    is_jamming: bool = False
    has_jam_phrase: bool = False
    can_undo: bool = False
    can_redo: bool = False


def why_not(now: Situation) -> dict[str, str | None]:
    """Return, for each command that is not always possible, why it is disabled, or ``None``."""
    no_model = None
    if not now.has_bundle:
        no_model = _NO_BUNDLE
    elif not now.is_model_ready:
        no_model = _NO_MODEL
    no_journey = _NO_BUNDLE if not now.has_bundle else None if now.has_journey else _NO_JOURNEY
    no_phrase = None if now.has_phrase else _NO_PHRASE if now.has_bundle else _NO_BUNDLE
    no_pin = _NO_BUNDLE if not now.has_bundle else None
    if no_pin is None and not now.has_candidate:
        no_pin = "point at a landmark of the map, or click one first"
    played = None
    if now.has_bundle and not now.is_of_groove:
        played = "only models of the Groove dataset can find the recordings they learnt from"
    elif not now.has_landmark:
        played = "only landmarks were played by a drummer; click one on the map"
    elif not now.has_recordings:
        played = "the recordings are not on this computer; fetch them with the File menu"
    render = no_phrase or ("a sound file is being written" if now.is_rendering else None)
    no_engine = None if now.has_engine else _NO_ENGINE
    fetch = "the recordings are here already" if now.has_recordings else None
    no_bundle = None if now.has_bundle else _NO_BUNDLE
    jam = None
    if not now.is_jamming:
        jam = no_engine or no_model
    not_here = None if now.is_exploring else _NOT_HERE
    reasons = {
        "file.open_midi_a": no_model,
        "file.open_midi_b": no_model,
        "file.save_phrase": no_phrase,
        "file.save_journey": no_journey
        or (None if now.is_journey_decoded else "the journey is being decoded"),
        "file.render": render,
        "file.fetch": "they are being fetched" if now.is_fetching else fetch,
        "edit.undo": None if now.can_undo else "nothing has been changed yet",
        "edit.redo": None if now.can_redo else "nothing has been taken back",
        "edit.reset_asks": None if now.has_asks else "no change is asked for",
        "play.toggle": no_engine or (None if now.has_bundle else _NO_BUNDLE),
        "play.loop": None,
        "play.metronome": None,
        "play.panic": no_engine or ("Esc leaves the stage view first" if now.is_on_stage else None),
        "play.restart_engine": None
        if now.is_engine_given_up
        else "the sound engine is running, or being started",
        "explore.pin_a": no_pin,
        "explore.pin_b": no_pin,
        "explore.swap": no_journey,
        "explore.journey": no_journey
        or (None if now.has_landmark else "the journey is what you hear"),
        "explore.back": no_journey,
        "explore.forward": no_journey,
        "explore.random": no_bundle,
        "explore.as_played": played,
        "jam.start_stop": jam,
        "jam.keep": None if now.has_jam_phrase else "nothing has been played in a jam yet",
        "jam.stage": no_bundle,
        "view.pca": no_bundle,
        "view.attributes": no_bundle,
        "view.umap": no_bundle or (None if now.has_umap else _NO_UMAP),
        "view.cancel_umap": None if now.is_fitting else "UMAP is not being fitted",
        "view.reset_map": no_bundle,
    }
    # Their letters are pads of the Jam tab; and what they would change is not to be seen there.
    for command in reasons:
        if command.startswith("explore.") or command in _OF_EXPLORE:
            reasons[command] = not_here or reasons[command]
        elif command in _OF_MAPS and not now.has_map:
            reasons[command] = _NO_MAP
    return reasons
