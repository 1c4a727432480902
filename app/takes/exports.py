"""What a take can be written to, as work for the background."""

from __future__ import annotations

from pathlib import Path

from app.services.background import Progress, Work
from app.takes.replay_presenter import OpenTake
from fmvae_core.live.messages import EngineState
from fmvae_core.live.sound_messages import SamplerState, SetSampler

KINDS = {
    "midi": ("Save take as MIDI", ".mid", "MIDI files (*.mid)"),
    "wav": ("Save take as sound", ".wav", "Sound files (*.wav)"),
}
"""Title of the dialog, ending, and kinds of files."""


def work(kind: str, take: OpenTake, path: Path, engine: EngineState | None) -> Work:
    """Return the work that writes a take to a file; it sounds as the engine is set up now."""
    if kind == "midi":
        return lambda _report: _write_midi(take, path)
    return lambda report: _write_sound(take, path, engine, report)


def _write_midi(take: OpenTake, path: Path) -> None:
    from fmvae_core.jam.export import write_midi_of

    write_midi_of(take.journal, path)


def _write_sound(take: OpenTake, path: Path, engine: EngineState | None, report: Progress) -> None:
    from fmvae_core.live.render_take import render_take  # FluidSynth is loaded when it is needed

    samplers: tuple[SetSampler, ...] = ()
    if engine is not None:
        samplers = (_sampler("human", engine.human), _sampler("machine", engine.machine))
    soundfont = engine.soundfont if engine is not None else None
    render_take(take.journal, path, soundfont, samplers, progress=report)


def _sampler(player: str, state: SamplerState) -> SetSampler:
    fields = state.model_dump(include={"level", "pan", "kit", "reverb"})
    return SetSampler.model_validate({"player": player, **fields})
