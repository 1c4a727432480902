"""What the queue found, as a report and as the table of results of the documentation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmvae_core.evaluation.interpolation_quality import COLUMNS
from fmvae_core.evaluation.measure import Measured
from fmvae_core.evaluation.report.content import report
from fmvae_core.evaluation.report.markdown import as_markdown
from fmvae_core.evaluation.report.sections import NOT_RUN, Entry, model_title
from fmvae_core.evaluation.report.write import as_json, write_report
from fmvae_core.files import replacing
from fmvae_core.reproduce.rows import Row, place, subject

_PARTS = ("fig2", "table2", "flatness", "hit_f1")


def entries(out: Path, size: str, rows: Sequence[Row]) -> list[Entry]:
    """Return each row's model and what was measured of it, if it is finished."""
    return [(subject(row, size), place(out, size, row).measured) for row in rows]


def results(found: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    """Return the figures by preset and model, means over the seeds; what is missing is "not run".

    ``table1`` is by share and attribute: mean and standard deviation over phrases of the measure
    that the table shows for it.
    """
    whole: dict[tuple[str, str], list[Measured | None]] = defaultdict(list)
    held: dict[tuple[str, str], dict[str, dict[str, list[Measured | None]]]] = defaultdict(dict)
    for about, measured in found:
        key = about.preset, model_title(about)
        if about.held_out is None:
            whole[key].append(measured)
            continue
        attribute, share = about.held_out
        by_share = held[key].setdefault(f"{share:.0%}", {})
        by_share.setdefault(attribute, []).append(measured)
    made: dict[str, dict[str, Any]] = {}
    for preset, model in dict.fromkeys([*whole, *held]):
        done = [measured for measured in whole[preset, model] if measured is not None]
        parts: dict[str, Any] = {
            part: mean([measured.figures[part] for measured in done]) if done else NOT_RUN
            for part in _PARTS
        }
        parts["seeds"] = sorted(measured.subject.seed for measured in done)
        parts["table1"] = {
            share: {name: _table1(name, measured) for name, measured in by_attribute.items()}
            for share, by_attribute in held[preset, model].items()
        } or NOT_RUN
        made.setdefault(preset, {})[model] = parts
    return made


def mean(values: Sequence[Any]) -> Any:
    """Return the mean of numbers, or of each entry of dictionaries of numbers.

    Histograms, whose keys differ from seed to seed, are left out, and so is what was not measured
    with every seed (figures before a calibration that one of them did without).
    """
    first = values[0]
    if isinstance(first, dict):
        common = set.intersection(*map(set, values)) - {"histogram"}
        return {key: mean([value[key] for value in values]) for key in first if key in common}
    return sum(values) / len(values)


def _table1(attribute: str, measured: Sequence[Measured | None]) -> Any:
    done = [one for one in measured if one is not None]
    if not done:
        return NOT_RUN
    measure = COLUMNS[done[0].subject.representation][attribute]
    found = mean([one.figures["table1"] for one in done])
    over_hits = found.get(f"{attribute}_mse_hits")
    return found[measure] | ({"true_hits": over_hits} if over_hits else {})


def write_results(out: Path, size: str, rows: Sequence[Row]) -> None:
    """Write the report, and ``results.md`` and ``results.json`` for the documentation."""
    found = entries(out, size, rows)
    finished = sum(measured is not None for _, measured in found)
    summary = (
        f"Every model, figure and table, trained at size {size} on the same data, loop and "
        "evaluation. "
    )
    if finished == len(found):
        summary += f"All {finished} trainings were run."
    else:
        summary += f"{finished} of {len(found)} trainings were run; the others are marked so."
    figures = results(found)
    write_report(report("The paper, reproduced", summary, found), figures, out)
    plain = report("Results", summary, found, pictures=False)
    for name, text in (
        ("results.md", as_markdown(plain, configurations=False)),
        ("results.json", as_json(figures)),
    ):
        with replacing(out / name) as scratch:
            scratch.write_text(text, "utf-8")
