"""Writing a report: an HTML page, the same as Markdown with its pictures, the figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fmvae_core.evaluation.measure import Measured
from fmvae_core.evaluation.report.blocks import Picture, Report
from fmvae_core.evaluation.report.html import as_html
from fmvae_core.evaluation.report.markdown import PICTURES, as_markdown
from fmvae_core.files import replacing


def write_report(report: Report, figures: dict[str, Any], out: Path) -> None:
    """Write ``report.html``, ``report.md``, ``report.json`` and ``figures/*.png`` to a folder."""
    for chapter in report.chapters:
        for section in chapter.sections:
            for block in section.blocks:
                if isinstance(block, Picture):
                    with replacing(out / PICTURES / f"{block.name}.png") as scratch:
                        scratch.write_bytes(block.png)
    _write(out / "report.md", as_markdown(report))
    _write(out / "report.json", as_json(figures))
    _write(out / "report.html", as_html(report))  # last: who sees it sees a whole report


def as_json(figures: dict[str, Any]) -> str:
    """Return figures as JSON text."""
    return json.dumps(figures, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def by_bundle(measured: Sequence[Measured]) -> dict[str, Any]:
    """Return all figures and where they come from, by the name of the bundle.

    Two bundles of one name are told apart by the start of their hashes.
    """
    names = [one.name for one in measured]
    return {
        one.name
        if names.count(one.name) == 1
        else f"{one.name} {one.provenance['bundle'][:8]}": one.figures
        | {"provenance": one.provenance}
        for one in measured
    }


def _write(path: Path, text: str) -> None:
    with replacing(path) as scratch:
        scratch.write_text(text, "utf-8")
