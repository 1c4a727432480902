from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.models_menu import about, kind_of, model_entries
from fmvae_core.files import resource
from fmvae_core.models.bundle import Bundle


@pytest.mark.parametrize(
    ("representation", "bars", "card", "kind"),
    [
        ("drums", 2, {}, "2 bars of drums"),
        ("drums", 1, {"model": "FM-Music-VAE"}, "1 bar of drums"),
        ("drums", 2, {"model": "MusicVAE"}, "2 bars of drums, MusicVAE"),
        ("melody", 4, {"data": {"corpus": "cello_suites"}}, "4 bars of melody, cello"),
        ("melody", 2, {"data": {"corpus": "ryans_mammoth"}}, "2 bars of melody, piano"),
        ("melody", 2, {}, "2 bars of melody"),
    ],
)
def test_the_kind_of_a_model_is_told_in_a_few_words(
    representation: str, bars: int, card: dict[str, object], kind: str
) -> None:
    assert kind_of(representation, bars, card) == kind


def test_shipped_models_come_first_and_what_is_gone_is_left_out(
    bundle: Bundle, melody_bundle: Bundle, tmp_path: Path
) -> None:
    broken = Path(shutil.copytree(bundle.path, tmp_path / "broken"))
    (broken / "bundle.json").write_text("{")
    shipped = resource("models", "drums-2bar")
    recent = [melody_bundle.path, shipped, tmp_path / "gone", broken, bundle.path]
    entries = model_entries(map(str, recent))
    assert [entry.is_shipped for entry in entries] == sorted(
        (entry.is_shipped for entry in entries), reverse=True
    )
    names = [(entry.name, entry.kind) for entry in entries]
    assert names.count(("drums-2bar", "2 bars of drums")) == 1
    own = [(entry.path, entry.kind) for entry in entries if not entry.is_shipped]
    assert own == [
        (melody_bundle.path, "4 bars of melody, cello"),
        (bundle.path, "2 bars of drums"),
    ]


def test_a_model_is_described_with_what_it_learnt_from() -> None:
    rows = dict(about(Bundle.open(resource("models", "drums-2bar"))))
    assert rows["Model"] == "drums-2bar: 2 bars of drums, 32 dimensions"
    assert "Groove MIDI Dataset" in rows["Learnt from"]
    assert float(rows["Hit F1 on unseen takes"]) > 0.5
