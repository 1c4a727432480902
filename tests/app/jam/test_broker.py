"""Playing through a broker, in the real window with a real broker."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.application import Application
from fmvae_core.broker.limits import make_token
from fmvae_core.broker.protocol import ModelInfo
from fmvae_core.live.jam_messages import MachinePhrase
from fmvae_core.models.bundle import Bundle
from tests.app.conftest import PATIENCE
from tests.app.jam.conftest import show
from tests.fmvae_core.broker.rig import BrokerThread


def write(edit: QLineEdit, text: str) -> None:
    """Write into a line, as somebody would who then goes on to the next."""
    edit.setText(text)
    edit.editingFinished.emit()


def test_the_window_plays_with_a_brokers_model_and_without(
    flatjam: Application, bundle: Bundle, qtbot: QtBot, tmp_path: Path
) -> None:
    token_file = tmp_path / "broker.token"
    token = make_token(token_file)
    tab = show(flatjam, qtbot)
    panel = tab.broker_panel

    def wait_for(text: str) -> None:
        qtbot.waitUntil(lambda: text in panel.state.text(), timeout=PATIENCE)

    answers: list[MachinePhrase] = []
    flatjam.engine.jam.machine_phrase.connect(answers.append)
    write(panel.address, "example.org")
    wait_for("ws://HOST:PORT")
    with BrokerThread(token=token) as broker:
        with broker.model(ModelInfo(title="far", bundle=bundle.sha256, bars=bundle.bars)):
            write(panel.address, broker.url)
            wait_for("token is wrong")
            write(panel.token, str(tmp_path / "nowhere"))
            wait_for("nowhere")
            write(panel.token, str(token_file))
            wait_for("model answers")
            flatjam.session.edit("Set the tempo", tempo=100.0)
            tab.jam.toggle()
            qtbot.waitUntil(lambda: any(each.broker for each in answers), timeout=PATIENCE)
            assert "by the broker" in tab.view.machine.note.text()
        wait_for("no model")
    wait_for("gone away")
    played = len(answers)
    qtbot.waitUntil(
        lambda: any(not each.broker and each.phrase.notes for each in answers[played:]),
        timeout=PATIENCE,
    )
    tab.jam.toggle()
    write(panel.address, "")
    assert not panel.state.text()
