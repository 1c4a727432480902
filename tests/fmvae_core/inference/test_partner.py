"""The machine player: around the human's point, as far as adventure says, and never twice alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.files import resource
from fmvae_core.inference.messages import (
    WORKER_EVENTS,
    AdventureScale,
    BundleReady,
    Realise,
    Realised,
    WorkerProblem,
)
from fmvae_core.inference.networks import Networks
from fmvae_core.inference.partner import REPEATS_BELOW, MachinePlayer
from fmvae_core.inference.solver import Box
from fmvae_core.inference.worker import ModelWorker
from fmvae_core.ipc import Endpoint, connect
from fmvae_core.jam.messages import Answer, AnswerRequest, Partner
from fmvae_core.live.measure import PATIENCE, Mailbox
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drum_representation import HITS, DrumRepresentation
from fmvae_core.music.phrase import Note, Phrase
from tests.fmvae_core.inference.processes import WorkerProcess

SILENCE = Phrase((), 2, 120.0)
BEAT = Phrase(
    tuple(Note(beat / 2, 42, 70) for beat in range(16))
    + tuple(Note(float(beat), 36 + 2 * (beat % 2), 100) for beat in range(8)),
    2,
    133.0,
)
DRUMS = DrumRepresentation(2)


@pytest.fixture(scope="module")
def networks(bundle: Bundle) -> Networks:
    return Networks(bundle)


@pytest.fixture(scope="module")
def machine(bundle: Bundle, networks: Networks) -> MachinePlayer:
    return MachinePlayer(bundle, networks)


def request(phrase: Phrase = BEAT, seed: int = 1, **partner: object) -> AnswerRequest:
    return AnswerRequest(
        number=3, phrase=phrase, is_final=True, seed=seed, partner=Partner.model_validate(partner)
    )


def point(z: np.ndarray) -> tuple[float, ...]:
    return tuple(z.tolist())


def hits(phrase: Phrase) -> np.ndarray:
    return DRUMS.encode(phrase)[:, HITS] > 0


def test_the_human_is_the_centre(
    machine: MachinePlayer, networks: Networks, bundle: Bundle
) -> None:
    answer = machine.answer(request(adventure=0.0))
    human = networks.encode(DRUMS.encode(BEAT)[None])[0]
    box = Box.around(bundle.landmarks.z)
    assert answer.z_human is not None
    np.testing.assert_allclose(answer.z_human, human, atol=1e-5)
    np.testing.assert_allclose(answer.z_machine, np.clip(human, box.low, box.high), atol=1e-5)
    assert answer.sigma == 0.0
    assert answer.phrase.tempo == 133.0
    assert answer.number == 3
    assert answer.bundle == bundle.sha256
    frames = networks.decode(human[None])[0]
    assert answer.heard == tuple(
        map(tuple, np.argwhere(DRUMS.onsets(frames, bundle.thresholds)).tolist())
    )


def test_a_request_is_answered_the_same_again(machine: MachinePlayer) -> None:
    asked = request(asks={"density": 3.0}, momentum=0.5).model_copy(
        update={"recent": (machine.answer(request()).phrase,), "before": (0.0,) * 8}
    )
    first = machine.answer(asked)
    again = machine.answer(AnswerRequest.model_validate_json(asked.model_dump_json()))
    assert first.model_copy(update={"milliseconds": again.milliseconds}) == again
    other = machine.answer(asked.model_copy(update={"seed": 2}))
    assert other.z_machine != first.z_machine


def test_the_same_seed_keeps_the_final_answer_near_the_prepared_one(
    machine: MachinePlayer,
) -> None:
    so_far = Phrase(BEAT.notes[:-1], 2, 133.0)
    prepared, final = machine.answer(request(so_far)), machine.answer(request())
    assert prepared.z_human is not None
    assert final.z_human is not None
    step = np.subtract(final.z_human, prepared.z_human)
    np.testing.assert_allclose(np.subtract(final.z_machine, prepared.z_machine), step, atol=1e-4)


@pytest.mark.parametrize("hits", [1.0, 3.0, 6.0, 12.0])
@pytest.mark.parametrize("model", ["made", "shipped"])
def test_adventure_is_the_expected_number_of_changed_hits(
    request: pytest.FixtureRequest, hits: float, model: str
) -> None:
    bundle, networks, machine = request.getfixturevalue(model)
    centres = bundle.landmarks.z[np.random.default_rng(7).permutation(len(bundle.landmarks))[:200]]
    noise = np.random.default_rng(8).standard_normal(centres.shape)
    box = Box.around(bundle.landmarks.z)
    drawn = np.clip(centres + machine.adventure.sigma(hits) * noise, box.low, box.high)
    heard = [
        bundle.representation.onsets(networks.decode(z.astype(np.float32)), bundle.thresholds)
        for z in (centres, drawn)
    ]
    changed = (heard[0] != heard[1]).sum(axis=(1, 2)).mean()
    assert changed == pytest.approx(hits, rel=0.25)


@pytest.fixture(scope="module")
def made(
    bundle: Bundle, networks: Networks, machine: MachinePlayer
) -> tuple[Bundle, Networks, MachinePlayer]:
    return bundle, networks, machine


@pytest.fixture(scope="module")
def shipped() -> tuple[Bundle, Networks, MachinePlayer]:
    bundle = Bundle.open(resource("models", "drums-2bar"))
    networks = Networks(bundle)
    return bundle, networks, MachinePlayer(bundle, networks)


def test_the_table_rises_from_nothing(machine: MachinePlayer) -> None:
    table = machine.adventure
    assert table.sigmas[0] == table.hits[0] == 0.0
    assert (np.diff(table.sigmas) > 0).all()
    assert (np.diff(table.hits) >= 0).all()
    sigmas = [table.sigma(hits) for hits in np.linspace(0, 100, 50)]
    assert sigmas == sorted(sigmas)
    assert sigmas[0] == 0.0
    assert sigmas[-1] == table.sigmas[-1]


def test_pull_leads_to_the_anchor(machine: MachinePlayer, bundle: Bundle) -> None:
    anchor = bundle.landmarks.z[11]
    ways = []
    for pull in (0.0, 0.5, 1.0):
        answer = machine.answer(request(adventure=0.0, anchor=point(anchor), pull=pull))
        ways.append(float(np.linalg.norm(anchor - np.asarray(answer.z_machine))))
    assert ways[0] > ways[1] > ways[2]
    assert ways[2] == pytest.approx(0, abs=1e-5)


def test_momentum_goes_on_where_the_human_goes(machine: MachinePlayer) -> None:
    still = machine.answer(request(adventure=0.0))
    before = np.asarray(still.z_machine) - 0.05
    asked = request(adventure=0.0, momentum=1.0).model_copy(update={"before": point(before)})
    moved = np.subtract(machine.answer(asked).z_machine, still.z_machine)
    # The centre is clipped to the box, so no axis goes further than the human did.
    assert (moved >= -1e-5).all()
    assert moved.max() > 0.01


@pytest.mark.parametrize("ask", [6.0, -6.0])
def test_what_is_asked_is_about_what_comes(
    shipped: tuple[Bundle, Networks, MachinePlayer], ask: float
) -> None:
    bundle, _, machine = shipped
    changes = []
    for landmark in range(0, len(bundle.landmarks), 1000):
        asked = AnswerRequest(
            number=1,
            phrase=SILENCE,
            is_final=True,
            seed=landmark,
            partner=Partner(adventure=0.0),
            before=point(bundle.landmarks.z[landmark]),
        )
        plain = machine.answer(asked)
        busier = asked.model_copy(update={"partner": Partner(adventure=0.0, asks={"density": ask})})
        changes.append(len(machine.answer(busier).phrase.notes) - len(plain.phrase.notes))
    assert np.mean(changes) == pytest.approx(ask, rel=0.34)


def test_an_answer_is_not_given_twice(machine: MachinePlayer) -> None:
    first = machine.answer(request(adventure=0.0))
    recent = {"recent": (first.phrase,)}
    same = machine.answer(request(adventure=0.0, no_repeat=False).model_copy(update=recent))
    assert same.phrase == first.phrase
    for seed in range(5):
        asked = request(adventure=0.0, seed=seed)
        other = machine.answer(asked.model_copy(update=recent))
        assert (hits(other.phrase) != hits(first.phrase)).sum() >= REPEATS_BELOW
        assert other.sigma > 0.0  # what was really drawn from is what is told


def test_points_stay_within_the_corpus(machine: MachinePlayer, bundle: Bundle) -> None:
    box = Box.around(bundle.landmarks.z)
    for seed in range(20):
        asked = request(adventure=32.0, seed=seed, asks={"density": 500.0}, momentum=2.0)
        z = np.asarray(machine.answer(asked).z_machine)
        assert (z >= box.low - 1e-5).all()
        assert (z <= box.high + 1e-5).all()


def test_silence_is_answered_from_what_there_is(machine: MachinePlayer, bundle: Bundle) -> None:
    z = bundle.landmarks.z
    begun = [machine.answer(request(SILENCE, seed=seed, adventure=0.0)) for seed in range(4)]
    assert len({answer.z_machine for answer in begun}) == 4
    for answer in begun:
        assert answer.z_human is None
        assert answer.heard == ()
        assert np.abs(z - np.asarray(answer.z_machine)).max(axis=1).min() < 1e-5
    anchored = machine.answer(request(SILENCE, adventure=0.0, anchor=point(z[5])))
    np.testing.assert_allclose(anchored.z_machine, z[5], atol=1e-6)
    going_on = request(SILENCE, adventure=0.0, anchor=point(z[5]))
    answer = machine.answer(going_on.model_copy(update={"before": point(z[6])}))
    np.testing.assert_allclose(answer.z_machine, z[6], atol=1e-6)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(Phrase((), 4)), "takes 2 bars"),
        (request(anchor=(0.0, 1.0), pull=1.0), "8 numbers"),
        (request(asks={"loudness": 1.0}), "no attribute 'loudness'"),
    ],
)
def test_what_does_not_fit_is_refused(
    machine: MachinePlayer, asked: AnswerRequest, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        machine.answer(asked)


def test_where_the_human_was_in_another_model_means_nothing(machine: MachinePlayer) -> None:
    asked = request(momentum=0.5)
    fresh = machine.answer(asked)
    switched = machine.answer(asked.model_copy(update={"before": (0.5,)}))
    assert switched.z_machine == fresh.z_machine


def test_a_model_of_melodies_answers_melodies(melody_bundle: Bundle) -> None:
    networks, bars = Networks(melody_bundle), melody_bundle.bars
    pianist = MachinePlayer(melody_bundle, networks)
    notes = tuple(Note(beat / 2, 60 + beat % 5, 80, 0.5) for beat in range(8 * bars))
    played = Phrase(notes, bars, 90.0, is_drums=False)
    music = melody_bundle.representation
    close, far = (pianist.answer(request(played, adventure=hits)) for hits in (0.0, 16.0))
    assert close.z_human is not None
    human = networks.encode(music.encode(played)[None])[0]
    np.testing.assert_allclose(close.z_human, human, atol=1e-5)
    heard = music.onsets(networks.decode(human[None])[0])
    assert close.heard == tuple(map(tuple, np.argwhere(heard).tolist()))
    assert not far.phrase.is_drums
    assert (far.phrase.bars, far.phrase.tempo) == (bars, 90.0)
    assert far.changed_hits > close.changed_hits
    again = pianist.answer(
        request(played, adventure=0.0).model_copy(update={"recent": (close.phrase,)})
    )
    assert again.phrase != close.phrase
    # What an earlier model of drums has played is no melody to be repeated.
    drums = request(played).model_copy(update={"recent": (Phrase((), bars),)})
    assert pianist.answer(drums).phrase == pianist.answer(request(played)).phrase
    with pytest.raises(ValueError, match="plays melodies; the phrase is of drums"):
        pianist.answer(request(Phrase((), bars)))


def test_real_performances_are_answered_as_adventurously_as_asked(
    groove_data: Path, shipped: tuple[Bundle, Networks, MachinePlayer]
) -> None:
    import csv
    import io
    import zipfile

    from fmvae_core.music.midi_file import read_midi

    phrases = []
    with zipfile.ZipFile(groove_data / "groove-v1.0.0-midionly.zip") as archive:
        table = io.TextIOWrapper(archive.open("groove/info.csv"))
        for row in csv.DictReader(table):
            if (row["split"], row["time_signature"], row["beat_type"]) != ("test", "4-4", "beat"):
                continue
            performance = read_midi(io.BytesIO(archive.read("groove/" + row["midi_filename"])))
            phrases += [performance.phrase(bar, 2) for bar in range(2, performance.bars - 2, 16)]
    changed = [
        shipped[2].answer(request(phrase, seed, adventure=8.0)).changed_hits
        for seed, phrase in enumerate(phrases[:100])
    ]
    assert len(changed) > 50
    assert np.mean(changed) == pytest.approx(8.0, rel=0.25)


@pytest.fixture(scope="module")
def worker(bundle: Bundle) -> Iterator[WorkerProcess]:
    with WorkerProcess(bundle.path) as process:
        process.wait_until_open()
        yield process


def test_the_worker_answers(worker: WorkerProcess, machine: MachinePlayer) -> None:
    asked = request().model_copy(update={"number": 41})
    worker.connection.send(asked)
    answer = worker.mail.wait_for(Answer, lambda event: event.number == 41)
    alone = machine.answer(asked)
    np.testing.assert_allclose(answer.z_machine, alone.z_machine, atol=1e-4)
    assert answer.milliseconds > 0
    scale = worker.mail.wait_for(AdventureScale)
    assert scale.bundle == answer.bundle
    assert float(np.interp(6.0, scale.hits, scale.sigmas)) == pytest.approx(
        machine.adventure.sigma(6.0)
    )


def test_the_worker_refuses_with_the_number_of_the_request(worker: WorkerProcess) -> None:
    worker.connection.send(request(Phrase((), 4)).model_copy(update={"number": 42}))
    problem = worker.mail.wait_for(WorkerProblem, lambda event: event.revision == 42)
    assert problem.request == "answer_request"
    assert "takes 2 bars" in problem.text
    assert problem.remedy


def is_measured(worker: ModelWorker) -> bool:
    return worker._machine is not None


def test_the_worker_measures_at_rest_and_gives_way(bundle: Bundle) -> None:
    endpoint = Endpoint.new("worker")
    mail = Mailbox()
    worker = ModelWorker(endpoint)
    try:
        worker._open(str(bundle.path))
        connection = connect(endpoint, WORKER_EVENTS, mail.put)
        mail.wait_for(BundleReady)
        connection.send(Realise(revision=1, z=point(bundle.landmarks.z[0]), deliver=False))
        end = time.monotonic() + PATIENCE
        while not worker._inbox.holds(Realise):
            assert time.monotonic() < end, "the request did not arrive"
            time.sleep(0.005)
        worker._get_ready_to_jam()
        assert not is_measured(worker)
        waiting = worker._inbox.take(0)
        assert waiting is not None
        worker._serve(waiting)
        mail.wait_for(Realised)
        worker._get_ready_to_jam()
        assert is_measured(worker)
        worker._open(str(bundle.path))
        assert not is_measured(worker)  # that was the machine player of another model
        connection.close()
    finally:
        worker._server.close()
