"""Ties the left side of the Train tab to presets, corpora and the process that measures."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.models_menu import ModelEntry
from app.services.errand_client import ErrandClient
from app.train.plan_bundles import PlanBundles
from app.train.plan_form import FROM_SCRATCH, Choices, PlanForm
from app.train.plan_words import estimate_in_words, going_in_words, in_red, preview_in_words
from app.train.settings_table import as_text
from fmvae_core.cluster.head import checked
from fmvae_core.models.bundle import Bundle
from fmvae_core.models.bundle_files import BundleError
from fmvae_core.runs.messages import (
    Answer,
    CorpusSeen,
    HardwareSeen,
    LookAtCorpus,
    LookAtHardware,
    MeasureRun,
    NotDone,
    RunMeasured,
)
from fmvae_core.runs.record import RunRecord
from fmvae_core.runs.store import runs_dir
from fmvae_core.training.config import (
    MODEL_NAMES,
    HoldOut,
    TrainingConfig,
    changed,
    load_preset,
    presets,
    sizes,
    variants,
)
from fmvae_core.training.fine_tune import fine_tuning

_PRESETS = {
    "drums-2bar": "Drums, two bars",
    "drums-4bar": "Drums, four bars",
    "piano-2bar": "Melody, two bars",
    "cello-4bar": "Melody, four bars",
}
_OF_CORPUS = {
    "groove": ("drums-2bar", "drums-4bar"),
    "ryans_mammoth": ("piano-2bar",),
    "cello_suites": ("cello-4bar",),
    "midi_folder": tuple(_PRESETS),
}
_SIZES = {
    "study": "Study: 25 minutes on a core",
    "small": "Small: 90 minutes on a core",
    "paper": "Paper: published, for a GPU",
}


class PlanPresenter(QObject):
    """Keeps a plan that could be started, or says why it cannot.

    Parameters
    ----------
    form
        The widgets.
    models
        Returns the bundles that could be fine-tuned.
    recordings
        The Groove archive or folder, whether or not it is there.
    parent
        Owner.

    Signals
    -------
    started(RunRecord)
        The user wants this run.
    """

    started = Signal(object)

    def __init__(
        self,
        form: PlanForm,
        models: Callable[[], Sequence[ModelEntry]],
        recordings: Path,
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._form = form
        self._bundles = PlanBundles(models)
        self._recordings = recordings
        self._look = ErrandClient("corpus", self)
        self._measure = ErrandClient("estimate", self)
        self._hardware = ErrandClient("hardware", self)
        self._no_gpu: str | None = None  # why no GPU can be asked for, once that is known
        self._base: TrainingConfig | None = None
        self._shown: tuple[str, ...] | None = None
        self._seed = 0  # these two are those of the run whose settings were taken up
        self._hold_out: HoldOut | None = None
        self._looked: LookAtCorpus | None = None
        self._named = ""
        self._gone: str | None = None  # what that run had and cannot be chosen any more
        self._problem: str | None = "the corpus is being read"
        form.folder_taken.connect(self._forget_look)
        form.chosen.connect(self._on_chosen)
        form.settings_changed.connect(self._on_settings)
        form.place_changed.connect(self._on_settings)
        form.measure_asked.connect(self._ask_measure)
        form.start_asked.connect(self._start)
        self._look.going.connect(lambda going: self._say_preview(going_in_words(going)))
        self._look.answered.connect(self._on_looked)
        self._look.failed.connect(lambda how: self._on_looked(NotDone(reason=how)))
        self._measure.going.connect(lambda going: form.estimate.setText(going_in_words(going)))
        self._measure.answered.connect(self._on_measured)
        self._measure.failed.connect(lambda how: self._on_measured(NotDone(reason=how)))
        self._hardware.answered.connect(self._on_hardware)
        self._hardware.failed.connect(form.hardware.setText)
        self.refresh()
        form.choose(model_size="small")
        self.refresh()
        form.hardware.setText("Looking for a GPU…")
        self._hardware.send(LookAtHardware())

    @property
    def is_ready(self) -> bool:
        """Whether the plan could be started."""
        return self._problem is None and self._wrong() is None

    def close(self) -> None:
        """End what goes on in the background."""
        self._look.cancel()
        self._measure.cancel()
        self._hardware.cancel()

    def refresh(self) -> None:
        """Offer what fits the choice, and look at the corpus where it is another."""
        form = self._form
        choices = form.choices()
        fitting = _OF_CORPUS[choices.corpus]
        preset = choices.preset if choices.preset in fitting else fitting[0]
        form.offer(
            [(FROM_SCRATCH, "Nothing: from scratch"), *self._bundles.offers(choices.corpus)],
            [(name, _PRESETS[name]) for name in fitting],
            [(name, MODEL_NAMES.get(name, name)) for name in ("", *variants(preset))],
            [(size, _SIZES.get(size, size)) for size in sizes(preset)],
        )
        form.choose(preset=preset)
        choices = form.choices()
        try:
            self._show_config(choices)
        except (BundleError, ValueError) as error:
            self._base = None
            self._forget_look()
            self._say_preview("")
            form.estimate.setText(in_red(str(error)))
            self._set_problem(str(error))
            return
        self._name(choices)
        self._on_settings()
        assert self._base is not None
        form.show_kit(
            choices.corpus == "midi_folder" and self._base.model.representation == "drums"
        )
        self._look_at(choices, self._base)

    def use(self, record: RunRecord) -> None:
        """Take up the settings of a run."""
        config = record.config
        form = self._form
        self._bundles.used = record.bundle
        if config.corpus == "midi_folder" and record.data is not None:
            form.take_folder(Path(record.data))
        form.choose(corpus=config.corpus, drum_map=record.drum_map)
        self.refresh()
        begin: str | None = FROM_SCRATCH
        if record.bundle is not None:
            begin = self._bundles.find(record.bundle, form.choices().corpus)
        form.choose(bundle=begin or FROM_SCRATCH, preset=config.preset)
        self.refresh()
        form.choose(variant=config.variant, model_size=config.size, device=record.device)
        self.refresh()
        # Those of a fine-tuning are of no use without its bundle.
        if self._base is not None and begin is not None:
            for table in ("model", "optimiser", "constraint", "flatness"):
                for name, value in config.to_dict()[table].items():
                    if (table, name) in form.settings.keys:
                        form.settings.set_value(table, name, as_text(value))
        form.name.setText(f"{record.name} again")
        form.cluster.setText(record.cluster or "")
        self._gone = None
        if config.corpus not in _OF_CORPUS:
            self._gone = f"The corpus '{config.corpus}' of that run is not offered here."
        elif begin is None:
            self._gone = f"The bundle in {record.bundle}, with which that run began, is not there."
        elif not begin and config.preset not in _OF_CORPUS[config.corpus]:
            self._gone = f"The preset '{config.preset}' of that run is not offered here."
        elif not begin and config.variant not in ("", *variants(config.preset)):
            self._gone = f"The model '{config.variant}' of that run is not offered here."
        elif not begin and config.size not in sizes(config.preset):
            self._gone = f"The size '{config.size}' of that run is not offered here."
        if self._gone is not None:
            self._gone += " Choose what to train."
        self._keep(config.seed, config.hold_out)
        self._on_settings()

    def record(self) -> RunRecord:
        """Return the run that is chosen.

        Raises
        ------
        ValueError
            If something typed is not possible; the message says what.
        """
        if self._base is None:
            raise ValueError(self._problem or "choose what to train")
        choices = self._form.choices()
        config = changed(self._base, self._form.settings.overrides())
        return RunRecord(
            name=choices.name or self._named,
            config=dataclasses.replace(
                config, corpus=choices.corpus, seed=self._seed, hold_out=self._hold_out
            ),
            data=self._data(choices),
            drum_map=choices.drum_map,
            device=choices.device,
            bundle=choices.bundle or None,
            cluster=checked(choices.cluster) if choices.cluster else None,
        )

    # --- model ----------------------------------------------------------------------------------

    def _show_config(self, choices: Choices) -> None:
        key = (choices.bundle, choices.preset, choices.variant, choices.size)
        if key == self._shown and self._base is not None:
            return
        self._shown = None
        if choices.bundle:
            self._base = fine_tuning(Bundle.open(Path(choices.bundle)), choices.corpus)
        else:
            self._base = load_preset(choices.preset, choices.size, variant=choices.variant)
        preset, variant = self._base.preset, self._base.variant
        paper = load_preset(preset, variant=variant) if preset in presets() else None
        self._form.settings.show_config(self._base, paper)
        self._shown = key

    def _name(self, choices: Choices) -> None:
        what = choices.folder.name if choices.folder and choices.corpus == "midi_folder" else ""
        model = " ".join(filter(None, (choices.preset, choices.variant)))
        model = Path(choices.bundle).name + " tuned" if choices.bundle else model
        size = "" if choices.bundle else choices.size
        name = ", ".join(filter(None, (what, f"{model} {size}".strip())))
        if self._form.name.text() in ("", self._named):
            self._form.name.setText(name)
        self._named = name

    # --- corpus ---------------------------------------------------------------------------------

    def _data(self, choices: Choices) -> str | None:
        if choices.corpus == "midi_folder":
            return None if choices.folder is None else str(choices.folder)
        if choices.corpus == "groove" and self._recordings.exists():
            return str(self._recordings)
        return None

    def _look_at(self, choices: Choices, config: TrainingConfig) -> None:
        data = self._data(choices)
        if choices.corpus == "midi_folder" and data is None:
            self._looked = None
            self._look.cancel()
            self._say_preview("")
            self._set_problem("Choose the folder of your MIDI files, or drop it here.")
            return
        if choices.corpus == "groove" and data is None:
            self._looked = None
            self._look.cancel()
            self._say_preview("The Groove MIDI Dataset (3 MB, CC BY 4.0) is fetched at the start.")
            self._set_problem(None)
            return
        errand = LookAtCorpus(
            corpus=choices.corpus,
            data=None if data is None else Path(data),
            representation=config.model.representation,
            bars=config.model.bars,
            drum_map=choices.drum_map,
        )
        if errand != self._looked:
            self._looked = errand
            self._set_problem("The corpus is being read.")
            self._say_preview("Reading the corpus…")
            self._look.send(errand)

    def _forget_look(self) -> None:
        """Look at the corpus again, even where it is the same."""
        self._looked = None
        self._look.cancel()

    def _on_looked(self, answer: Answer) -> None:
        if isinstance(answer, CorpusSeen):
            self._say_preview(preview_in_words(answer))
            if answer.problem:
                self._looked = None
            self._set_problem(answer.problem or None)
        elif isinstance(answer, NotDone):
            self._looked = None
            self._say_preview(in_red(answer.reason))
            self._set_problem(answer.reason)

    def _say_preview(self, text: str) -> None:
        self._form.preview.setText(text)
        self._form.preview.setVisible(bool(text))

    def _set_problem(self, problem: str | None) -> None:
        self._problem = problem
        self._form.set_start_because(problem or self._wrong())

    # --- estimate and start ---------------------------------------------------------------------

    def _on_chosen(self) -> None:
        self._gone = None
        self._keep(0, None)
        self.refresh()

    def _keep(self, seed: int, hold_out: HoldOut | None) -> None:
        """Take the seed and what is held out from the run whose settings were taken up."""
        self._seed, self._hold_out = seed, hold_out
        words = [f"Seed {seed}, as in that run."] if seed else []
        if hold_out is not None:
            share = f"{100 * hold_out.share:g} %"
            words.append(
                f"The middle {share} of all phrases by {hold_out.attribute} are not learnt, as in "
                "that run."
            )
        self._form.kept.setText(" ".join(words))
        self._form.kept.setVisible(bool(words))

    def _on_settings(self) -> None:
        self._measure.cancel()
        wrong = self._wrong()
        self._form.estimate.setText("" if wrong is None else in_red(wrong))
        self._form.set_start_because(wrong or self._problem)

    def _wrong(self) -> str | None:
        """Return what is not possible in what was chosen or typed."""
        if self._gone is not None:
            return self._gone
        choices = self._form.choices()
        is_here = choices.device == "cuda" and not choices.cluster
        if self._no_gpu is not None and is_here:
            return f"{self._no_gpu} Choose another device."
        try:
            self.record()
        except ValueError as error:
            return str(error)
        return None

    def _ask_measure(self) -> None:
        record = self.record()
        self._form.estimate.setText("Measuring a few steps…")
        self._measure.send(MeasureRun(record=record.to_dict(), folder=runs_dir()))

    def _on_measured(self, answer: Answer) -> None:
        if isinstance(answer, RunMeasured):
            self._form.estimate.setText(estimate_in_words(answer))
        elif isinstance(answer, NotDone):
            self._form.estimate.setText(in_red(answer.reason))

    def _on_hardware(self, answer: Answer) -> None:
        if isinstance(answer, HardwareSeen):
            self._form.hardware.setText(html.escape(answer.text, quote=False))
            self._no_gpu = None if answer.has_usable_gpu else answer.text
            if self._form.choices().device == "cuda":
                self._on_settings()
        elif isinstance(answer, NotDone):
            self._form.hardware.setText(in_red(answer.reason))

    def _start(self) -> None:
        record = self.record()
        self._measure.cancel()
        self._form.estimate.setText("")
        self.started.emit(record)
