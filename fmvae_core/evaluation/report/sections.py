"""Sections of a report that hold figures: one for each experiment of the paper."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fmvae_core.evaluation import paper
from fmvae_core.evaluation.interpolation_quality import COLUMNS
from fmvae_core.evaluation.measure import Measured, Subject
from fmvae_core.evaluation.report.blocks import Picture, Section, Table
from fmvae_core.evaluation.report.pictures import steps_picture
from fmvae_core.geometry.metric import SMALLEST_SHARE
from fmvae_core.music.drums import DRUMS
from fmvae_core.training.config import MODEL_NAMES

NOT_RUN = "not run"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")

Entry = tuple[Subject, Measured | None]
"""A model, and what was measured of it if that was done."""


def model_title(subject: Subject) -> str:
    """Return what a model is called in tables."""
    name = MODEL_NAMES.get(subject.variant, subject.variant)
    return f"{name} ({subject.latents}D)"


def full_title(subject: Subject) -> str:
    """Return model, preset, size and seed in one line."""
    parts = [model_title(subject), subject.preset, subject.size, f"seed {subject.seed}"]
    if subject.held_out is not None:
        attribute, share = subject.held_out
        parts.append(f"without the middle {share:.0%} of {attribute}")
    return ", ".join(parts)


Column = tuple[str, Callable[[dict[str, Any]], float], str | Callable[[float], str], int]
"""Header, how to find the figure, its format or how to tell it, and whether more (1) or less (-1)
is better, or 0."""


def _table(
    title: str,
    entries: Sequence[Entry],
    columns: Sequence[Column],
    reference: tuple[str, Callable[[Subject], float | None]] | None = None,
) -> Table:
    """Return a row for each model; the best of a column only where there is something to beat."""
    rows: list[tuple[str, ...]] = []
    quiet, best = set(), set()
    values: dict[tuple[int, int], float] = {}
    for number, (subject, measured) in enumerate(entries):
        cells = [model_title(subject), str(subject.seed)]
        if measured is None:
            cells += [NOT_RUN] + ["–"] * (len(columns) - 1)
            quiet.add(number)
        else:
            for place, (_, find, form, _) in enumerate(columns):
                values[number, place] = find(measured.figures)
                value = values[number, place]
                cells.append(format(value, form) if isinstance(form, str) else form(value))
        if reference is not None:
            stated = reference[1](subject)
            cells.append("–" if stated is None else f"{stated:.2f}")
        rows.append(tuple(cells))
    for place, (_, _, _, sense) in enumerate(columns):
        found = {number: value for (number, at), value in values.items() if at == place}
        if sense and len(set(found.values())) > 1:
            winner = max(sense * value for value in found.values())
            best |= {
                (number, place + 2) for number, value in found.items() if sense * value == winner
            }
    header = ("model", "seed", *(column[0] for column in columns))
    return Table(
        title,
        (*header, reference[0]) if reference else header,
        tuple(rows),
        frozenset(best),
        frozenset(quiet),
    )


def short_title(
    subject: Subject, among: Sequence[tuple[Subject, Measured]], *, lines: bool = False
) -> str:
    """Return a model's title, with its seed where several are shown; `lines` breaks it up."""
    several = len({other.seed for other, _ in among}) > 1
    title = model_title(subject) + (f", seed {subject.seed}" if several and not lines else "")
    if not lines:
        return title
    words, rows = title.split(" "), [""]
    for word in words:
        if len(rows[-1]) + len(word) > 18:
            rows.append("")
        rows[-1] = f"{rows[-1]} {word}".strip()
    return "\n".join(rows)


def reconstruction(entries: Sequence[Entry]) -> Section:
    """Return how well test phrases come back."""

    def at(name: str) -> Callable[[dict[str, Any]], float]:
        return lambda figures: float(figures["reconstruction"][name])

    def of_drum(key: str) -> Callable[[dict[str, Any]], float]:
        return lambda figures: float(figures["reconstruction"]["drums"][key]["hit_f1"])

    columns: list[Column] = [
        ("F1 of onsets", at("hit_f1"), ".3f", 1),
        ("precision", at("hit_precision"), ".3f", 1),
        ("recall", at("hit_recall"), ".3f", 1),
    ]
    if entries[0][0].representation != "drums":
        columns.append(("wrong frames", at("wrong_frames"), ".1%", -1))
        text = "A note counts where its step and its pitch are right; a frame is a step's event."
        return Section("Reconstruction", text, (_table("", entries, columns),))
    columns += [
        ("wrong cells", at("hit_error"), ".2%", -1),
        ("velocity MSE", at("velocity_mse"), ".4f", -1),
        ("true hits", at("velocity_mse_hits"), ".4f", -1),
        ("offset MSE", at("offset_mse"), ".4f", -1),
        ("true hits", at("offset_mse_hits"), ".4f", -1),
    ]
    by_drum: list[Column] = [(drum.title, of_drum(drum.key), ".2f", 1) for drum in DRUMS]
    return Section(
        "Reconstruction",
        "Test phrases decoded from their posterior means. Mean square errors of velocity (0 to 1) "
        "and offset (in half steps, ±1) run over all cells with absent hits as 0, and over true "
        "hits only.",
        (_table("", entries, columns), _table("F1 by drum", entries, by_drum)),
    )


def figure2(preset: str, entries: Sequence[Entry], pictures: bool) -> Section:
    """Return Figure 2: the worst steps of interpolations."""
    unit = "hits" if entries[0][0].representation == "drums" else "notes"

    def at(*path: str) -> Callable[[dict[str, Any]], float]:
        def find(figures: dict[str, Any]) -> float:
            found: Any = figures
            for key in path:
                found = found[key]
            return float(found)

        return find

    columns: list[Column] = [
        ("max step, median", at("fig2", "max_step_median"), ".0f", -1),
        ("mean", at("fig2", "max_step_mean"), ".2f", -1),
        ("sd", at("fig2", "max_step_sd"), ".2f", 0),
        ("ideal", at("fig2", "ideal"), ".2f", 0),
        ("end distance", at("fig2", "end_distance"), ".1f", 0),
        ("way / distance", at("fig2", "path_over_distance"), ".2f", -1),
        ("F1 of onsets", at("hit_f1"), ".3f", 1),
        ("slerp: median", at("fig2", "slerp", "max_step_median"), ".0f", 0),
        ("slerp: mean", at("fig2", "slerp", "max_step_mean"), ".2f", 0),
    ]
    blocks: list[Table | Picture] = [_table("", entries, columns)]
    done = [(subject, measured) for subject, measured in entries if measured is not None]
    if pictures and done:
        labels = [short_title(subject, done) for subject, _ in done]
        png = steps_picture(
            labels,
            [measured.arrays["max_step"] for _, measured in done],
            [measured.figures["fig2"]["ideal"] for _, measured in done],
            unit,
        )
        blocks.append(
            Picture(
                f"{preset}-figure-2",
                f"Figure 2. How many {unit} change in the worst step of each interpolation.",
                png,
            )
        )
    return Section(
        "Smoothness (Figure 2)",
        f"1,000 pairs of test phrases, 20 points on the straight line: {unit} that change in the "
        "worst of the 19 steps. The ideal is the distance of the ends spread evenly; a model that "
        "collapses is smooth too, so end distance and F1 stand beside it.",
        tuple(blocks),
    )


def table1(entries: Sequence[Entry]) -> Section:
    """Return Table 1, for each share that was held out."""
    drums = entries[0][0].representation == "drums"
    shares = sorted({subject.held_out[1] for subject, _ in entries if subject.held_out})
    return Section(
        "Interpolation quality (Table 1)",
        "Trained without the middle of an attribute's distribution, tested on it. Each column is a "
        "model of its own. "
        + (
            "Density: share of wrong cells. Velocity (0 to 1) and offset (in steps, ±0.5): mean "
            "square error over all cells with absent hits as 0, and over true hits only."
            if drums
            else "Share of wrong frames. Melodies are transposed while training: with pitch held "
            "out, the transpositions whose mean pitch is in the middle are, so a test phrase may "
            "have been learnt in keys far from it."
        ),
        tuple(_table1(entries, share) for share in shares),
    )


def _table1(entries: Sequence[Entry], share: float) -> Table:
    measures = [*COLUMNS[entries[0][0].representation].items()]
    names = [attribute for attribute, _ in measures]
    if entries[0][0].representation == "drums":
        for attribute in ("velocity", "offset"):
            measures.append((attribute, f"{attribute}_mse_hits"))
            names.append(f"{attribute}, true hits")
    # A row of the table is several models: one for each attribute that was held out.
    groups: dict[tuple[str, int], dict[str, Entry]] = {}
    for subject, measured in entries:
        if subject.held_out and subject.held_out[1] == share:
            group = groups.setdefault((model_title(subject), subject.seed), {})
            group[subject.held_out[0]] = subject, measured
    rows: list[tuple[str, ...]] = []
    quiet: set[int] = set()
    means: list[dict[int, float]] = [{} for _ in measures]
    for (title, seed), group in groups.items():
        cells = [title, str(seed)]
        for column, (attribute, measure) in enumerate(measures):
            _, measured = group.get(attribute, (None, None))
            if measured is None:
                cells.append(NOT_RUN)
                continue
            figures = measured.figures["table1"][measure]
            means[column][len(rows)] = figures["mean"]
            cells.append(_plus_minus(figures["mean"], figures["sd"]))
        rows.append(tuple(cells))
        some, _ = next(iter(group.values()))
        stated = paper.table1(some.preset, some.variant, share)
        if stated is not None:
            quiet.add(len(rows))
            there = [_plus_minus(*stated[attribute]) for attribute in stated]
            rows.append(("the paper", "", *there, *["–"] * (len(names) - len(there))))
    best = {
        (row, column + 2)
        for column, found in enumerate(means)
        for row, value in found.items()
        if len(set(found.values())) > 1 and value == min(found.values())
    }
    return Table(
        f"Without the middle {share:.0%}",
        ("model", "seed", *names),
        tuple(rows),
        frozenset(best),
        frozenset(quiet),
    )


def _plus_minus(mean: float, sd: float) -> str:
    digits = 4 if mean < 0.03 else 3
    return f"{mean:.{digits}f} ± {sd:.{digits}f}"


def table2(entries: Sequence[Entry]) -> Section:
    """Return Table 2 in its three readings, a table for each attribute."""

    def column(name: str, figure: str) -> Callable[[dict[str, Any]], float]:
        return lambda figures: float(figures["table2"][name][figure])

    def stated(name: str) -> Callable[[Subject], float | None]:
        def find(subject: Subject) -> float | None:
            row = paper.table2(subject.preset, subject.variant, subject.latents)
            return None if row is None else row[name]

        return find

    tables = [
        _table(
            name.capitalize(),
            entries,
            [
                ("A", column(name, "corr_a"), ".2f", 1),
                ("B", column(name, "corr_b"), ".2f", 1),
                ("C", column(name, "corr_c"), ".2f", 1),
                ("slope", column(name, "slope"), ".2f", 0),
                ("r²", column(name, "r2"), ".2f", 1),
                ("kept", column(name, "kept"), ".0%", 0),
                ("samples", column(name, "samples"), ",.0f", 0),
            ],
            ("the paper", stated(name)),
        )
        for name in COLUMNS[entries[0][0].representation]
    ]
    return Section(
        "Attribute vectors (Table 2)",
        "The paper's correlation can be read in three ways. A: of the scale s and the attribute, "
        "pooled over base points (a perfectly linear space gives 0.83); B: of s and the change of "
        "the attribute; C: of the moved point's position along the vector and the attribute. "
        "Slope: achieved over asked change, 1 where the vector does what it says. Vectors come "
        "from training phrases and are never rescaled; samples that leave the range of the "
        "training latents on any axis are discarded.",
        tuple(tables),
    )


def flatness(entries: Sequence[Entry]) -> Section:
    """Return the figures of the metric tensor."""

    def at(name: str) -> Callable[[dict[str, Any]], float]:
        return lambda figures: float(figures["flatness"][name])

    def as_trained(name: str) -> Callable[[dict[str, Any]], float]:
        def value(figures: dict[str, Any]) -> float:
            measured = figures["flatness"]
            return float(measured.get("before_calibration", measured)[name])

        return value

    columns: list[Column] = [
        ("condition number as trained", as_trained("condition_number_median"), _condition, -1),
        ("condition number, median", at("condition_number_median"), _condition, -1),
        ("90 %", at("condition_number_p90"), _condition, -1),
        ("spread of ln λ", at("log_eigenvalue_spread"), ".2f", -1),
        ("tr G / d", at("trace_mean"), ".3g", 0),
        ("spread of tr G", at("trace_spread"), ".2f", -1),
        ("line / geodesic, mean", at("geodesic_ratio_mean"), ".3f", 0),
        ("worst", at("geodesic_ratio_max"), ".3f", 0),
        ("distances correlate", at("distance_correlation"), ".2f", 1),
    ]
    return Section(
        "Flatness",
        "The metric tensor G = JᵀJ at test phrases, with exact Jacobians. In a flat space all its "
        "eigenvalues λ are equal, it is the same everywhere, and the straight line is no longer "
        "than the shortest way; that ratio is a lower bound, since in a badly conditioned space a "
        "shorter way may be there and not be found. Latent coordinates are calibrated, linearly "
        "and for every model whose decoder hears no frame, unless that lowers the correlation of "
        "distances on training phrases; the first column is before that. Where a direction does "
        "nothing that single precision could tell, the spread of ln λ takes its eigenvalue as "
        "10⁻¹³ of the largest.",
        (_table("", entries, columns),),
    )


def _condition(value: float) -> str:
    """Return a condition number in no more digits than mean something."""
    if value >= 0.99 / SMALLEST_SHARE:
        return "singular"
    if value >= 1e5:
        mantissa, _, exponent = f"{value:.1e}".partition("e")
        return f"{mantissa} × 10" + str(int(exponent)).translate(_RAISED)
    return f"{value:,.1f}"


def provenance(entries: Sequence[Entry]) -> Section:
    """Return where each model comes from."""
    rows, notes = [], []
    for subject, measured in entries:
        if measured is None:
            continue
        about = measured.provenance
        minutes = about["training_minutes"]
        rows.append(
            (
                full_title(subject),
                "–" if about["parameters"] is None else f"{about['parameters']:,}",
                "–" if about["steps"] is None else f"{about['steps']:,}",
                "–" if minutes is None else f"{minutes:.0f} min",
                f"{about['test_phrases']:,}",
                f"{about['measuring_seconds']:.0f} s",
                about.get("weights", "–")[:12],
                f"{about['corpus']} {about['corpus_digest'][:12]}",
                about.get("measured", "–"),
            )
        )
        if about.get("notes"):
            notes.append((full_title(subject), about["notes"]))
    header = (
        "model", "parameters", "steps", "training", "test phrases", "measuring", "weights", "data",
        "measured",
    )  # fmt: skip
    tables = [Table("", header, tuple(rows))]
    if notes:
        tables.append(Table("Notes", ("model", "note"), tuple(notes)))
    return Section(
        "Where it comes from",
        "Hashes are the first twelve digits of SHA-256; a bundle with the same weights has theirs "
        "as weights_sha256 in its bundle.json. Pairs, samples and points are drawn with "
        "seed 0; everything is decoded deterministically from posterior means. Times are by the "
        "clock, whatever else the machine did.",
        tuple(tables),
    )
