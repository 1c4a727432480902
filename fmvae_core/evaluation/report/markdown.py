"""A report as Markdown, with its pictures as files beside it."""

from __future__ import annotations

import json

from fmvae_core.evaluation.report.blocks import Report, Table

PICTURES = "figures"
"""Folder of the pictures, beside the page."""


def as_markdown(report: Report, *, configurations: bool = True) -> str:
    """Return the page; the best of a column is bold."""
    lines = [f"# {report.title}", "", report.summary, ""]
    for chapter in report.chapters:
        lines += [f"## {chapter.title}", ""]
        for section in chapter.sections:
            lines += [f"### {section.title}", "", section.text, ""]
            for block in section.blocks:
                if isinstance(block, Table):
                    lines += [*_table(block), ""]
                else:
                    lines += [f"![{block.caption}]({PICTURES}/{block.name}.png)", ""]
    if configurations and report.configurations:
        lines += ["## Configurations", ""]
        for name, fields in report.configurations.items():
            text = json.dumps(fields, indent=1)
            lines += [f"<details><summary>{name}</summary>", "", "```json", text, "```", ""]
            lines += ["</details>", ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(table: Table) -> list[str]:
    lines = [f"**{table.title}**", ""] if table.title else []
    lines.append(f"| {' | '.join(table.header)} |")
    lines.append(f"|{' --- |' * len(table.header)}")
    for number, row in enumerate(table.rows):
        cells = [
            f"**{text}**"
            if (number, column) in table.best
            else f"*{text}*"
            if number in table.quiet and text not in ("", "–")
            else text
            for column, text in enumerate(row)
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
