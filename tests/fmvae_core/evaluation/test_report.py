"""Measuring bundles as the paper does, and the report of it."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.data.corpus import Corpus, save_corpus
from fmvae_core.evaluation import paper
from fmvae_core.evaluation.measure import Measured, measure
from fmvae_core.evaluation.report.blocks import Picture, Table
from fmvae_core.evaluation.report.content import report
from fmvae_core.evaluation.report.html import as_html
from fmvae_core.evaluation.report.markdown import as_markdown
from fmvae_core.evaluation.report.pictures import (
    ReportError,
    phrases_picture,
    require_matplotlib,
    steps_picture,
)
from fmvae_core.evaluation.report.sections import NOT_RUN
from fmvae_core.evaluation.report.write import by_bundle, write_report
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.melody_representation import MelodyRepresentation, one_hot
from fmvae_core.training.config import HoldOut, TrainingConfig
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.publish import publish
from fmvae_core.training.trainer import Trainer
from tests.corpora import tiny_corpus, tiny_melodies
from tests.corpora_config import tiny_config

PNG = b"\x89PNG"


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return tiny_corpus(performances=16, bars=8)


def published(config: TrainingConfig, corpus: Corpus, folder: Path) -> Bundle:
    data = folder / "frames.safetensors"
    save_corpus(corpus, data)
    Trainer(config, corpus, folder / "run", Hardware.choose("cpu")).train()
    return publish(folder / "run", folder / "bundle", data=data)


@pytest.fixture(scope="module")
def measured(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    bundle = published(tiny_config(steps=20), corpus, tmp_path_factory.mktemp("whole"))
    return measure(bundle, corpus)


@pytest.fixture(scope="module")
def middle(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Measured:
    config = dataclasses.replace(tiny_config(steps=20), hold_out=HoldOut("density", 0.1))
    return measure(published(config, corpus, tmp_path_factory.mktemp("middle")), corpus)


def test_measures_all_figures_of_a_whole_model(measured: Measured) -> None:
    figures = measured.figures
    assert set(figures) == {"hit_f1", "reconstruction", "fig2", "table2", "flatness"}
    fig2 = figures["fig2"]
    assert fig2["ideal"] == pytest.approx(fig2["end_distance"] / 19)
    assert sum(fig2["histogram"].values()) == fig2["pairs"] == 1000
    assert fig2["max_step_mean"] == pytest.approx(measured.arrays["max_step"].mean())
    assert fig2["slerp"]["end_distance"] == fig2["end_distance"]
    assert set(figures["table2"]) == {"density", "velocity", "offset"}
    assert figures["flatness"]["geodesic_ratio_mean"] >= 1.0
    assert measured.arrays["interpolations"].shape == (2, 7, 32, 27)
    # The middle of every sweep is the phrase itself, as the model hears it.
    sweeps = [measured.arrays[f"sweep.{name}"][:, 3] for name in ("density", "velocity", "offset")]
    np.testing.assert_allclose(sweeps[0], measured.arrays["interpolations"][:, 0], atol=1e-5)
    np.testing.assert_allclose(sweeps[0], sweeps[1], atol=1e-5)


def test_measures_the_middle_alone_where_it_was_held_out(middle: Measured) -> None:
    assert middle.subject.held_out == ("density", 0.1)
    assert set(middle.figures) == {"hit_f1", "reconstruction", "table1"}
    assert middle.figures["table1"]["hit_error"]["mean"] > 0


def test_measures_melodies_and_decoders_with_feedback(tmp_path: Path) -> None:
    config = tiny_config(
        steps=10,
        model={
            "representation": "melody",
            "features": 90,
            "encoder_cell": "lstm",
            "decoder": "autoregressive",
            "prior": "standard",
        },
        constraint={"multiplier": "annealed"},
        flatness={"eta": 0.0},
    )
    corpus = tiny_melodies()
    config = dataclasses.replace(config, corpus=corpus.name)
    one = measure(published(config, corpus, tmp_path), corpus)
    assert set(one.figures["table2"]) == {"density", "pitch"}
    assert 0.0 <= one.figures["reconstruction"]["wrong_frames"] <= 1.0
    assert one.arrays["sweep.pitch"].shape == (2, 7, 32, 90)
    made = report("Melodies", "", [(one.subject, one)], pictures=False)
    tables = [block for section in made.chapters[0].sections for block in section.blocks]
    assert [table.title for table in tables if isinstance(table, Table)][1:3] == [
        "Density",
        "Pitch",
    ]


def test_what_was_measured_is_kept(measured: Measured, middle: Measured, tmp_path: Path) -> None:
    assert Measured.load(tmp_path) is None
    for one in (measured, middle):
        one.save(tmp_path)
        again = Measured.load(tmp_path)
        assert again is not None
        assert dataclasses.replace(again, arrays={}) == dataclasses.replace(one, arrays={})
        np.testing.assert_equal(again.arrays, one.arrays)


def test_another_corpus_is_refused(corpus: Corpus, tmp_path: Path) -> None:
    bundle = published(tiny_config(steps=10), corpus, tmp_path)
    with pytest.raises(ValueError, match="another version of the corpus"):
        measure(bundle, dataclasses.replace(corpus, digest="other"))
    (tmp_path / "bundle" / "card.json").write_text("{}")
    with pytest.raises(ValueError, match="does not say how it was trained"):
        measure(Bundle.open(tmp_path / "bundle"), corpus)


def test_the_report_tells_everything_once(
    measured: Measured, middle: Measured, tmp_path: Path
) -> None:
    missing = dataclasses.replace(measured.subject, variant="music-vae", latents=512)
    other = dataclasses.replace(
        measured,
        name="other",
        subject=dataclasses.replace(measured.subject, variant="music-vae"),
        figures=measured.figures | {"hit_f1": measured.figures["hit_f1"] - 0.1},
    )
    entries = [
        (measured.subject, measured),
        (other.subject, other),
        (missing, None),
        (middle.subject, middle),
    ]
    made = report("A report", "Of a test.", entries)
    (chapter,) = made.chapters
    assert [section.title for section in chapter.sections] == [
        "Smoothness (Figure 2)",
        "Interpolation quality (Table 1)",
        "Attribute vectors (Table 2)",
        "Flatness",
        "Reconstruction",
        "Phrases",
        "Where it comes from",
    ]
    blocks = [block for section in chapter.sections for block in section.blocks]
    pictures = [block for block in blocks if isinstance(block, Picture)]
    assert len(pictures) == 1 + 2 + 3 * 2
    assert all(picture.png.startswith(PNG) for picture in pictures)
    assert len({picture.name for picture in pictures}) == len(pictures)

    smooth = blocks[0]
    assert isinstance(smooth, Table)
    assert all(len(row) == len(smooth.header) for row in smooth.rows)
    assert smooth.rows[2][0] == "MusicVAE (512D)"
    assert smooth.rows[2][2] == NOT_RUN
    f1 = smooth.header.index("F1 of onsets")
    assert (0, f1) in smooth.best
    assert (1, f1) not in smooth.best
    assert not any(column == smooth.header.index("mean") for _, column in smooth.best)  # a tie

    (middles,) = chapter.sections[1].blocks
    assert isinstance(middles, Table)
    assert middles.title == "Without the middle 10%"
    assert middles.header[2:5] == ("density", "velocity", "offset")
    error = middle.figures["table1"]["hit_error"]
    assert middles.rows[0][2:4] == (f"{error['mean']:.3f} ± {error['sd']:.3f}", NOT_RUN)

    write_report(made, by_bundle([measured, other, middle]), tmp_path)
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == len(pictures)
    assert "src='http" not in page
    text = (tmp_path / "report.md").read_text("utf-8")
    for words in ("not run", "condition number", "without the middle 10% of density", "alpha0"):
        assert words in page
        assert words in text
    for picture in pictures:
        assert f"figures/{picture.name}.png" in text
        assert (tmp_path / "figures" / f"{picture.name}.png").read_bytes() == picture.png
    figures = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert len(figures) == 3
    for one in figures.values():
        assert one["provenance"]["corpus_digest"] == "tiny-0"
        assert one["provenance"]["configuration"]["seed"] == 0


def test_texts_cannot_break_the_page() -> None:
    made = report("<b>&</b>", "5 < 6", [])
    page = as_html(made)
    assert "<b>" not in page
    assert "&lt;b&gt;&amp;" in page
    assert as_markdown(made).startswith("# <b>&</b>")


def test_draws_melodies_and_steps() -> None:
    music = MelodyRepresentation(2)
    random = np.random.default_rng(0)
    frames = one_hot(random.integers(30, 60, (3, 32)).astype(np.uint8))
    silence = one_hot(np.full((3, 32), 89, np.uint8))
    none = np.zeros(0, np.float32)
    pictures = [
        phrases_picture(music, ["a", "b"], [frames, rest], [none, none], ["1", "2", "3"], name)
        for rest in (frames, silence)
        for name in (None, "pitch")
    ]
    assert all(picture.startswith(PNG) for picture in pictures)
    assert len(set(pictures)) == 4
    assert steps_picture(["a"], [np.array([1.0, 2.0, 2.0])], [0.5], "notes").startswith(PNG)


def test_a_report_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    require_matplotlib()
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ReportError, match=r"pip install 'flatjam\[report\]'"):
        require_matplotlib()


def test_the_papers_own_figures() -> None:
    assert paper.table2("drums-2bar", "music-vae", 512) == {
        "density": 0.74, "velocity": 0.56, "offset": 0.52
    }  # fmt: skip
    assert paper.table2("drums-4bar", "without-vhp", 32) == {
        "density": 0.87, "velocity": 0.88, "offset": 0.60
    }  # fmt: skip
    row = paper.table1("cello-4bar", "music-vae", 0.5)
    assert row is not None
    assert row["pitch"] == (0.560, 0.211)
    assert paper.table1("drums-2bar", "", 0.5) is None
    assert paper.table2("drums-2bar", "no-flatness", 32) is None
