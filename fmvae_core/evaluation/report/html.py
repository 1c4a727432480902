"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
import json
from html import escape
from importlib.resources import files

from fmvae_core.evaluation.report.blocks import Picture, Report, Section, Table


def as_html(report: Report) -> str:
    """Return the page."""
    style = (files("fmvae_core.evaluation.report") / "report.css").read_text("utf-8")
    chapters = "".join(
        f"<article id='{escape(chapter.title)}'><h2>{escape(chapter.title)}</h2>"
        + "".join(map(_section, chapter.sections))
        + "</article>"
        for chapter in report.chapters
    )
    links = "".join(
        f"<a href='#{escape(chapter.title)}'>{escape(chapter.title)}</a>"
        for chapter in report.chapters
    )
    configurations = "".join(
        f"<details><summary>{escape(name)}</summary><pre>{escape(json.dumps(fields, indent=1))}"
        "</pre></details>"
        for name, fields in report.configurations.items()
    )
    end = f"<article><h2>Configurations</h2>{configurations}</article>" if configurations else ""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(report.title)}</title><style>{style}</style></head><body>"
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.summary)}</p>"
        f"<nav>{links}</nav></header><main>{chapters}{end}</main></body></html>\n"
    )


def _section(section: Section) -> str:
    blocks = "".join(
        _table(block) if isinstance(block, Table) else _picture(block) for block in section.blocks
    )
    return (
        f"<section><h3>{escape(section.title)}</h3><p>{escape(section.text)}</p>{blocks}</section>"
    )


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in table.header)
    rows = []
    for number, row in enumerate(table.rows):
        cells = "".join(
            f"<td class='best'>{escape(text)}</td>"
            if (number, column) in table.best
            else f"<td>{escape(text)}</td>"
            for column, text in enumerate(row)
        )
        rows.append(
            f"<tr class='quiet'>{cells}</tr>" if number in table.quiet else f"<tr>{cells}</tr>"
        )
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    return (
        f"<div class='wide'><table>{caption}<thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _picture(picture: Picture) -> str:
    data = base64.b64encode(picture.png).decode()
    return (
        f"<figure><img alt='{escape(picture.caption)}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
    )
