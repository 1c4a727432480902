from __future__ import annotations

import json
import re
import subprocess
import sys
import wave
from pathlib import Path

import mido
import numpy as np
import pytest

from fmvae_core.cli import main
from fmvae_core.data.corpus import save_corpus
from fmvae_core.geometry.interpolation import lerp
from fmvae_core.inference.networks import Networks
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.drums import drum_map
from fmvae_core.music.midi_file import read_midi, read_phrase, write_midi
from fmvae_core.music.phrase import Note, Phrase
from fmvae_core.runs.files import CHECKPOINT_FILE
from fmvae_core.training.checkpoint import load_checkpoint
from fmvae_core.training.config import HoldOut
from fmvae_core.training.hardware import Hardware
from fmvae_core.training.trainer import Trainer
from tests.corpora import groove, groove_zip, tiny_corpus
from tests.corpora_config import tiny_config

COMMAND = (sys.executable, "-m", "fmvae_core.cli")


class CommandLine:
    """``flatjam ...`` in this process, in which torch is loaded but once."""

    def __init__(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, cache: Path
    ) -> None:
        monkeypatch.setenv("COLUMNS", "120")
        monkeypatch.setenv("FLATJAM_CACHE", str(cache))
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: object) -> str:
        """Run a command that succeeds; return what it prints."""
        code, out, error = self._run(*arguments)
        assert code == 0, out + error
        return out

    def refused(self, *arguments: object) -> str:
        """Run a command that is refused; return the one line that says why."""
        code, out, error = self._run(*arguments)
        assert code == 2, out + error
        lines = error.strip().splitlines()
        assert len(lines) == 1, error
        return lines[0]

    def _run(self, *arguments: object) -> tuple[object, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["flatjam", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *self._capsys.readouterr())


@pytest.fixture
def flatjam(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CommandLine:
    return CommandLine(capsys, monkeypatch, tmp_path / "cache")


@pytest.fixture
def grooves(tmp_path: Path) -> tuple[Path, Path]:
    """Two MIDI files of two bars."""
    random = np.random.default_rng(0)
    files = tmp_path / "a.mid", tmp_path / "b.mid"
    for file in files:
        write_midi(groove(random, 2).at_tempo(93.0), file)
    return files


def loudness(file: Path) -> float:
    with wave.open(str(file)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), np.int16)
    return float(np.sqrt(np.mean((samples / 32768.0) ** 2)))


def test_help_needs_nothing_heavy(flatjam: CommandLine) -> None:
    code = (
        "import sys, fmvae_core.cli;"
        "print([m for m in ('numpy', 'torch', 'mido', 'pydantic') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
    words = flatjam("--help")
    for command in (
        "info",
        "interpolate",
        "render",
        "train",
        "bundle",
        "evaluate",
        "reproduce",
        "fetch",
    ):
        assert command in words


def test_info_prints_the_card(flatjam: CommandLine, bundle: Bundle) -> None:
    run = flatjam("info", bundle.path)
    assert "tiny" in run
    assert "200" in run
    assert bundle.sha256 in run
    run = flatjam("info", bundle.path, "--json")
    assert json.loads(run) == bundle.card


def test_interpolates(
    flatjam: CommandLine, bundle: Bundle, grooves: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "way"
    arguments = ("interpolate", *grooves, "--out", out, "--bundle", bundle.path, "--steps", 5)
    run = flatjam(*arguments)
    assert sorted(file.name for file in out.iterdir()) == [f"step-{n}.mid" for n in range(1, 6)]

    representation = DrumRepresentation(2)
    networks = Networks(bundle)
    played = [representation.encode(read_phrase(file, 2)) for file in grooves]
    a, b = networks.encode(np.stack(played))
    frames = networks.decode(lerp(a, b, np.linspace(0, 1, 5)))
    shown = dict(re.findall(r"^│\s*(\d+)\s*│\s*(\d+)\s*│", run, re.MULTILINE))
    for number in range(1, 6):
        phrase = read_phrase(out / f"step-{number}.mid", 2)
        expected = representation.decode(frames[number - 1], 93.0, bundle.thresholds)
        assert phrase.tempo == pytest.approx(93.0, abs=1e-3)
        assert [(n.pitch, n.velocity) for n in phrase.notes] == [
            (n.pitch, n.velocity) for n in expected.notes
        ]
        assert int(shown[str(number)]) == len(expected.notes)

    assert "step-1.mid exists; choose another --out, or add --force" in flatjam.refused(*arguments)
    flatjam(*arguments, "--force", "--method", "slerp", "--tempo", 140)
    assert read_phrase(out / "step-1.mid", 2).tempo == pytest.approx(140, abs=1e-3)


def test_interpolates_and_renders_melodies(
    flatjam: CommandLine, melody_bundle: Bundle, tmp_path: Path
) -> None:
    ends = []
    for name, low in (("a", 48), ("b", 72)):
        notes = tuple(Note(beat / 2, low + beat % 7, 80, 0.5) for beat in range(32))
        ends.append(tmp_path / f"{name}.mid")
        write_midi(Phrase(notes, 4, 93.0, is_drums=False), ends[-1])
    out = tmp_path / "out"
    told = flatjam("interpolate", *ends, "--out", out, "--bundle", melody_bundle.path, "--steps", 3)
    assert "changed notes" in told
    steps = [read_midi(out / f"step-{number}.mid") for number in (1, 2, 3)]
    assert not any(step.is_drums for step in steps)
    assert "4 bars of melody" in flatjam("info", melody_bundle.path)

    sounds = [tmp_path / f"{program}.wav" for program in (0, 42)]
    for program, sound in zip((0, 42), sounds, strict=True):
        flatjam("render", ends[0], "--out", sound, "--bars", 1, "--instrument", program)
        assert loudness(sound) > 1e-3
    assert sounds[0].read_bytes() != sounds[1].read_bytes()


def test_interpolates_to_sound(
    flatjam: CommandLine, bundle: Bundle, grooves: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "way"
    flatjam("interpolate", *grooves, "--out", out, "--bundle", bundle.path, "--steps", 2, "--wav")
    assert all(loudness(out / f"step-{n}.wav") > 0.005 for n in (1, 2))


def test_interpolate_hears_the_kit_it_is_told(
    flatjam: CommandLine, bundle: Bundle, tmp_path: Path
) -> None:
    def file(name: str, pitch: int) -> Path:
        write_midi(Phrase((Note(0.0, pitch, 100), Note(1.0, 36, 100)), 2), tmp_path / name)
        return tmp_path / name

    floor_tom, bass = file("floor.mid", 41), file("bass.mid", 36)  # 41: General MIDI only
    steps = {}
    for kit in ("roland-td-11", "general-midi"):
        out = tmp_path / kit
        flatjam(
            "interpolate", floor_tom, bass, "--out", out, "--bundle", bundle.path,
            "--drum-map", kit, "--steps", 2,
        )  # fmt: skip
        steps[kit] = read_phrase(out / "step-1.mid", 2)
    assert 41 not in drum_map("roland-td-11").categories
    assert steps["roland-td-11"] != steps["general-midi"]


def test_what_cannot_be_interpolated_is_refused(
    flatjam: CommandLine, bundle: Bundle, grooves: tuple[Path, Path], tmp_path: Path
) -> None:
    a, b = grooves
    out = tmp_path / "way"
    rest = ("--out", out, "--bundle", bundle.path)
    (tmp_path / "text.mid").write_text("not MIDI")
    assert "does not exist; check the path" in flatjam.refused("interpolate", a, "no.mid", *rest)
    assert "not a MIDI file" in flatjam.refused("interpolate", a, tmp_path / "text.mid", *rest)
    write_midi(Phrase((Note(0, 60, 90),), 2, is_drums=False), tmp_path / "tune.mid")
    assert "plays drums" in flatjam.refused("interpolate", a, tmp_path / "tune.mid", *rest)
    assert "no drum map 'tabla'" in flatjam.refused(
        "interpolate", a, b, *rest, "--drum-map", "tabla"
    )
    assert "outside 20 to 400" in flatjam.refused("interpolate", a, b, *rest, "--tempo", 5)
    nowhere = tmp_path / "nowhere"
    assert "choose the folder of a bundle" in flatjam.refused(
        "interpolate", a, b, "--out", out, "--bundle", nowhere
    )
    write_midi(Phrase((Note(0, 81, 90),), 2), tmp_path / "triangle.mid")
    assert "choose another --drum-map" in flatjam.refused(
        "interpolate", tmp_path / "triangle.mid", b, *rest
    )
    assert not out.exists()


def test_info_of_no_bundle_is_refused(flatjam: CommandLine, tmp_path: Path) -> None:
    assert "choose the folder of a bundle" in flatjam.refused("info", tmp_path)
    assert "does not exist" in flatjam.refused("info", tmp_path / "nothing")


def test_renders(flatjam: CommandLine, grooves: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "x.wav"
    run = flatjam("render", grooves[0], "--out", out, "--turns", 2)
    seconds = 2 * read_midi(grooves[0]).phrase(0, 2).seconds
    assert f"{seconds:.1f} s of music" in run
    assert loudness(out) > 0.005
    with wave.open(str(out)) as sound:
        assert seconds < sound.getnframes() / sound.getframerate() < seconds + 3
    flatjam("render", grooves[0], "--out", out, "--bars", 1)
    with wave.open(str(out)) as sound:
        assert sound.getnframes() / sound.getframerate() < seconds / 4 + 3


def test_renders_a_kit_as_general_midi(flatjam: CommandLine, tmp_path: Path) -> None:
    # 26, the edge of the TD-11's open hi-hat, is no hi-hat in a General MIDI kit.
    write_midi(Phrase((Note(0.0, 26, 100),), 1), tmp_path / "edge.mid")
    write_midi(Phrase((Note(0.0, 46, 100),), 1), tmp_path / "open.mid")
    sounds = []
    for name, more in (("edge", ("--drum-map", "roland-td-11")), ("open", ()), ("edge", ())):
        flatjam("render", tmp_path / f"{name}.mid", "--out", tmp_path / "x.wav", *more)
        sounds.append((tmp_path / "x.wav").read_bytes())
    assert sounds[0] == sounds[1] != sounds[2]


def test_what_cannot_be_rendered_is_refused(
    flatjam: CommandLine, grooves: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "x.wav"
    assert "check the path" in flatjam.refused("render", tmp_path / "no.mid", "--out", out)
    font = tmp_path / "bad.sf2"
    font.write_text("not a font")
    assert "bad.sf2" in flatjam.refused("render", grooves[0], "--out", out, "--soundfont", font)
    silence = mido.MidiFile(type=0)
    silence.tracks.append(mido.MidiTrack())
    silence.save(tmp_path / "silence.mid")
    assert "no notes" in flatjam.refused("render", tmp_path / "silence.mid", "--out", out)
    assert not out.exists()


def test_trains_and_resumes(flatjam: CommandLine, tmp_path: Path) -> None:
    data = groove_zip(tmp_path / "groove.zip", performances=16, bars=14)
    options = ("--out", tmp_path / "run", "--data", data, "--device", "cpu", "--threads", 1)
    first = flatjam("train", "--size", "small", *options, "--max-minutes", 0.01)
    assert "add --resume" in flatjam.refused("train", "--size", "small", *options)
    again = flatjam("train", *options, "--max-minutes", 0.01, "--resume")
    steps = [
        int(re.findall(r"Stopped at step ([\d,]+); add --resume", text)[0].replace(",", ""))
        for text in (first, again)
    ]
    assert 0 < steps[0] < steps[1]


def test_a_run_without_a_folder_is_among_the_runs(flatjam: CommandLine, tmp_path: Path) -> None:
    assert "There are no runs" in flatjam("runs")
    data = groove_zip(tmp_path / "groove.zip", performances=16, bars=14)
    options = ("--data", data, "--device", "cpu", "--threads", 1, "--max-minutes", 0.01)
    flatjam("train", "--size", "small", *options)
    listed = flatjam("runs")
    assert "drums-2bar small" in listed
    assert "stopped, 0 %" in listed


def test_trains_another_model_on_files_of_ones_own(flatjam: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    random = np.random.default_rng(0)
    for number in range(16):
        write_midi(groove(random, 14), folder / f"{number}.mid")
    told = flatjam(
        *("train", "--size", "study", "--variant", "music-vae", "--corpus", "midi_folder"),
        *("--data", folder, "--set", "optimiser.batch_size=8", "--hold-out", "velocity:0.2"),
        *("--out", tmp_path / "run", "--device", "cpu", "--threads", 1, "--max-minutes", 0.01),
    )
    assert "drums-2bar music-vae, size study" in told
    config = load_checkpoint(tmp_path / "run" / CHECKPOINT_FILE).config
    assert config.corpus == "midi_folder"
    assert config.optimiser.batch_size == 8
    assert config.hold_out == HoldOut("velocity", 0.2)


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (("--set", "flatness.eta"), "TABLE.NAME=VALUE"),
        (("--set", "flatnes.eta=1"), "no table 'flatnes'"),
        (("--hold-out", "density"), "ATTRIBUTE:SHARE"),
        (("--variant", "music-ave"), "no variant 'music-ave'"),
    ],
)
def test_training_with_an_impossible_choice_is_refused(
    flatjam: CommandLine, tmp_path: Path, option: tuple[str, str], complaint: str
) -> None:
    assert complaint in flatjam.refused("train", "--out", tmp_path / "run", *option)


def test_makes_a_bundle_of_a_run(flatjam: CommandLine, tmp_path: Path) -> None:
    run, out, data = tmp_path / "run", tmp_path / "bundle", tmp_path / "frames.safetensors"
    corpus = tiny_corpus(performances=16, bars=8)
    save_corpus(corpus, data)
    Trainer(tiny_config(steps=20), corpus, run, Hardware.choose("cpu")).train()
    made = flatjam("bundle", run, "--out", out, "--data", data, "--name", "mine")
    assert Bundle.open(out).name == "mine"
    card = json.loads(flatjam("info", out, "--json"))
    assert card["steps"] == 20
    for words in (made, flatjam("info", out)):
        for word in ("hit_precision", "Closed hi-hat", "corr_b", "smoothness.ideal", "threshold"):
            assert word in words
        assert f"{card['test']['hit_error']:.4g}" in words

    report = tmp_path / "report"
    assert "report.html" in flatjam("evaluate", out, "--out", report, "--data", data)
    figures = json.loads((report / "report.json").read_text("utf-8"))
    assert figures["mine"]["hit_f1"] == pytest.approx(card["test"]["hit_f1"])
    assert figures["mine"]["fig2"]["max_step_mean"] == card["smoothness"]["max_step_mean"]
    assert "data:image/png" in (report / "report.html").read_text("utf-8")


def test_reports_what_was_not_run(flatjam: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "queue"
    said = flatjam("reproduce", "--report", "--only", "table1", "--out", out)
    assert "drums-4bar.fm-music-vae.without-density-50.seed-0" in said
    assert "not run" in said
    assert "finished" not in said
    assert "not run" in (out / "results.md").read_text("utf-8")
    figures = json.loads((out / "results.json").read_text("utf-8"))
    assert figures["cello-4bar"]["MusicVAE (64D)"]["table1"]["50%"]["pitch"] == "not run"
    assert "choose fig2" in flatjam.refused("reproduce", "--only", "table9", "--out", out)
    assert "huge" in flatjam.refused("reproduce", "--size", "huge", "--out", out)


def test_training_that_cannot_start_is_refused(flatjam: CommandLine, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "run")
    assert "no-such" in flatjam.refused("train", "--preset", "no-such", *out)
    assert "huge" in flatjam.refused("train", "--size", "huge", *out)
    nowhere = tmp_path / "nowhere"
    assert "does not exist" in flatjam.refused("train", *out, "--data", nowhere)
    assert "nowhere/checkpoint" in flatjam.refused("bundle", nowhere, "--out", tmp_path / "b")


def test_fetch_says_where_it_is(
    flatjam: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No proxy answers there, so nothing can be downloaded.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert "check the network" in flatjam.refused("fetch", "groove")


def test_works_as_a_program(bundle: Bundle, tmp_path: Path) -> None:
    run = subprocess.run([*COMMAND, "info", str(bundle.path)], capture_output=True, text=True)
    assert run.returncode == 0
    assert "tiny" in run.stdout
    run = subprocess.run([*COMMAND, "info", str(tmp_path)], capture_output=True, text=True)
    assert run.returncode == 2
    assert "choose the folder of a bundle" in run.stderr
    assert "Traceback" not in run.stderr
    run = subprocess.run([*COMMAND, "fetch", "drumset"], capture_output=True, text=True)
    assert run.returncode == 2
    assert "drumset" in run.stderr
