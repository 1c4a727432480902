"""What ``flatjam jam`` is told of sounds and outputs, as messages for the engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fmvae_core.live.sound_messages import SetOutputs, SetSampler


_NO_OPTION = ("kind", "player")


def samplers_of(texts: Sequence[str]) -> tuple[SetSampler, ...]:
    """Return what ``PLAYER.WHAT=VALUE`` says, such as ``human.reverb=0.3``.

    Raises
    ------
    ValueError
        If one of them says nothing, or names a SoundFont that is not there.
    """
    return tuple(_sampler(text) for text in texts)


def _sampler(text: str) -> SetSampler:
    from pydantic import ValidationError

    from fmvae_core.live.sound_messages import SetSampler

    target, _, value = text.partition("=")
    player, _, field = target.partition(".")
    if field == "soundfont" and value:
        path = Path(value).expanduser().resolve()
        if not path.is_file():
            raise ValueError(f"there is no SoundFont {path}; check the path")
        value = str(path)
    try:
        sampler = SetSampler.model_validate({"player": player, field: value})
    except ValidationError as error:
        known = ", ".join(name for name in SetSampler.model_fields if name not in _NO_OPTION)
        raise ValueError(
            f"'{text}' cannot be set ({error.errors()[0]['msg']}); write human or machine, a dot, "
            f"one of {known}, and =VALUE"
        ) from None
    if sampler.player == "human" and sampler.follow is not None:
        raise ValueError("the machine follows the human; write machine.follow=VALUE")
    return sampler


def outputs_of(texts: Sequence[str]) -> SetOutputs:
    """Return what ``PART=PAIR``, ``PART=SIDE`` and ``PART=PAIR:SIDE`` say, such as ``click=2``.

    Raises
    ------
    ValueError
        If one of them says nothing.
    """
    from pydantic import ValidationError

    from fmvae_core.live.fields import PAIRS, Output
    from fmvae_core.live.sound_messages import Outputs, SetOutputs

    wanted: dict[str, Output] = {}
    for text in texts:
        part, _, place = text.partition("=")
        pair, _, side = place.partition(":") if place[:1].isdigit() else ("1", "", place)
        try:
            if part not in Outputs.model_fields or not place:
                raise ValueError
            wanted[part] = Output.model_validate({"pair": pair, "side": side or "both"})
        except (ValidationError, ValueError):
            raise ValueError(
                f"'{text}' is no output; write {', '.join(Outputs.model_fields)}, then =, and a "
                f"pair from 1 to {PAIRS}, left or right, or both: click=2, click=left, click=2:left"
            ) from None
    return SetOutputs.model_validate(wanted)
