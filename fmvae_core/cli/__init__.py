"""``flatjam ...``: everything that needs no screen.

Each command is a function in one of the modules beside this one; what a command needs is imported
when it runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys

import typer

from fmvae_core.cli import (
    bundles,
    calibrate,
    cluster,
    corpora,
    evaluation,
    jam,
    journal,
    kit,
    music,
    serve,
    training,
)

EXIT_REFUSED = 2
EXIT_INTERRUPTED = 130

app = typer.Typer(
    name="flatjam",
    help="Explore a flat latent space of real drum grooves, and hear one turn into another.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    bundles.info,
    music.interpolate,
    music.render,
    jam.jam,
    kit.learn_kit,
    calibrate.calibrate,
    journal.journal,
    serve.serve,
    training.train,
    training.runs,
    cluster.sweep,
    bundles.bundle,
    evaluation.evaluate,
    evaluation.reproduce,
    corpora.fetch,
    corpora.corpus,
):
    app.command()(command)


def main() -> None:
    """Run the command line; what is known to go wrong ends in one line, not in a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        if not _is_known(error):
            raise
        from rich.console import Console
        from rich.text import Text

        text = str(error) or type(error).__name__
        Console(stderr=True).print(Text(text, style="bold red"), soft_wrap=True)
        sys.exit(EXIT_REFUSED)


def _is_known(error: Exception) -> bool:
    """Whether an error tells of bad input or a missing thing (all of ours say what to do)."""
    from fmvae_core.data.download import DownloadError
    from fmvae_core.live.library import SoundError

    return isinstance(error, (ValueError, OSError, FloatingPointError, DownloadError, SoundError))
