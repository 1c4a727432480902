from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from multiprocessing.connection import Client
from pathlib import Path

import numpy as np
import pytest

from fmvae_core.geometry.interpolation import lerp, step_changes
from fmvae_core.inference.messages import (
    BundleReady,
    DecodeJourney,
    EncodePhrase,
    JourneyDecoded,
    LandmarkPlayed,
    OpenBundle,
    PhraseEncoded,
    PlayLandmark,
    QuitWorker,
    Realise,
    Realised,
    WorkerProblem,
)
from fmvae_core.inference.networks import Networks
from fmvae_core.inference.worker import LAST_CLIENT_SECONDS
from fmvae_core.ipc import Endpoint
from fmvae_core.live.measure import EngineProcess, Mailbox
from fmvae_core.live.messages import Play, Position, SetPhrase, Swapped
from fmvae_core.models.bundle import Bundle
from fmvae_core.music.drum_representation import DrumRepresentation
from fmvae_core.music.drums import DRUMS
from fmvae_core.music.phrase import Phrase
from tests.fmvae_core.inference.processes import EngineStand, WorkerProcess

A, B = 11, 42


@pytest.fixture(scope="module")
def worker(bundle: Bundle, corpus_folder: Path) -> Iterator[WorkerProcess]:
    with WorkerProcess(bundle.path, corpus_folder) as process:
        process.wait_until_open()
        yield process


@pytest.fixture(scope="module")
def networks(bundle: Bundle) -> Networks:
    return Networks(bundle)


@pytest.fixture
def engine_endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint.new("engine")
    yield endpoint
    folder = Path(endpoint.address).parent
    if folder.exists():
        folder.rmdir()


def latent(bundle: Bundle, landmark: int) -> tuple[float, ...]:
    return tuple(bundle.landmarks.z[landmark].tolist())


_revisions = iter(range(1, 1_000_000))


def test_tells_what_it_opened(worker: WorkerProcess, bundle: Bundle) -> None:
    ready = worker.wait_until_open()
    assert ready.path == str(bundle.path)
    assert ready.seconds > 0


def test_a_later_client_is_told_too(worker: WorkerProcess) -> None:
    mail = Mailbox()
    connection = worker.connect(mail, threading.Event())
    mail.wait_for(BundleReady)
    connection.close()


def test_realises_a_point(worker: WorkerProcess, bundle: Bundle, networks: Networks) -> None:
    z = latent(bundle, A)
    answer = worker.ask(
        Realise(revision=next(_revisions), z=z, tempo=97.0, deliver=False), Realised
    )
    frames = networks.decode(bundle.landmarks.z[A : A + 1])[0]
    np.testing.assert_allclose(answer.frames, frames, atol=1e-6)
    assert answer.z == z
    assert answer.phrase == DrumRepresentation(2).decode(
        np.asarray(answer.frames, np.float32), 97.0, bundle.thresholds
    )
    assert answer.phrase.notes
    assert answer.base == answer.achieved
    np.testing.assert_allclose(
        list(answer.achieved.values()),
        DrumRepresentation(2).attributes(frames, bundle.thresholds),
        rtol=1e-5,
    )
    assert answer.reach == {}


def test_realises_a_wish(worker: WorkerProcess, bundle: Bundle, networks: Networks) -> None:
    request = Realise(
        revision=next(_revisions), z=latent(bundle, A), asks={"density": 8.0}, deliver=False
    )
    answer = worker.ask(request, Realised)
    assert answer.achieved["density"] - answer.base["density"] == pytest.approx(8, abs=1)
    low, high = answer.reach["density"]
    assert low < 0 < 8 <= high + 1
    frames = networks.decode(np.asarray([answer.z], np.float32))[0]
    heard = DrumRepresentation(2).attributes(frames, bundle.thresholds)
    np.testing.assert_allclose(list(answer.achieved.values()), heard, rtol=1e-5)


@pytest.mark.parametrize("method", ["lerp", "slerp"])
def test_decodes_a_journey(
    worker: WorkerProcess, bundle: Bundle, networks: Networks, method: str
) -> None:
    request = DecodeJourney(
        revision=next(_revisions),
        a=latent(bundle, A),
        b=latent(bundle, B),
        points=20,
        method=method,  # type: ignore[arg-type]
    )
    answer = worker.ask(request, JourneyDecoded)
    frames = np.asarray(answer.frames, np.float32)
    assert frames.shape == (20, 32, 27)
    heard = DrumRepresentation(2).onsets(frames, bundle.thresholds)
    np.testing.assert_array_equal(answer.changes, step_changes(heard))
    assert sum(answer.changes) > 0
    ends = networks.decode(bundle.landmarks.z[[A, B]])
    np.testing.assert_allclose(frames[[0, -1]], ends, atol=1e-4)
    middle = networks.decode(lerp(*bundle.landmarks.z[[A, B]], 10 / 19)[None])[0]
    assert np.allclose(frames[10], middle, atol=1e-4) == (method == "lerp")


def test_plays_a_landmark_as_it_was_played(worker: WorkerProcess, bundle: Bundle) -> None:
    landmark = int(np.argmax(bundle.landmarks.bar))
    bar = int(bundle.landmarks.bar[landmark])
    assert bar > 0
    request = PlayLandmark(revision=next(_revisions), landmark=landmark, deliver=False)
    phrase = worker.ask(request, LandmarkPlayed).phrase
    bass = [note for note in phrase.notes if note.pitch == DRUMS[0].pitch]
    assert [note.velocity for note in bass] == [20 + bar, 21 + bar]
    hats = [note for note in phrase.notes if note.pitch == 42]  # folded from 44
    assert [note.onset for note in hats] == pytest.approx([-0.0625, 3.9375], abs=2e-3)
    assert len(phrase.notes) == 4
    assert phrase.tempo == pytest.approx(100)
    request = PlayLandmark(revision=next(_revisions), landmark=landmark, tempo=80, deliver=False)
    answer = worker.ask(request, LandmarkPlayed)
    assert answer.phrase.tempo == 80
    np.testing.assert_array_equal(answer.frames, DrumRepresentation(2).encode(answer.phrase))


def test_encodes_a_phrase(worker: WorkerProcess, networks: Networks, bundle: Bundle) -> None:
    played = worker.ask(
        PlayLandmark(revision=next(_revisions), landmark=A, deliver=False), LandmarkPlayed
    )
    revision = next(_revisions)
    answer = worker.ask(EncodePhrase(revision=revision, phrase=played.phrase), PhraseEncoded)
    expected = networks.encode(np.asarray([played.frames], np.float32))[0]
    np.testing.assert_allclose(answer.z, expected, atol=1e-5)


def test_bad_requests_are_answered_and_harm_nothing(worker: WorkerProcess, bundle: Bundle) -> None:
    z = latent(bundle, A)
    asked = [
        (Realise(revision=next(_revisions), z=z[:3], deliver=False), "finite numbers"),
        (Realise(revision=next(_revisions), z=z, asks={"pitch": 1.0}), "no attribute 'pitch'"),
        (Realise(revision=next(_revisions), z=(1e39, *z[1:]), deliver=False), "finite numbers"),
        (DecodeJourney(revision=next(_revisions), a=z, b=z[:2]), "finite numbers"),
        (PlayLandmark(revision=next(_revisions), landmark=200), "no landmark 200"),
        (PlayLandmark(revision=next(_revisions), landmark=-1), "no landmark -1"),
        (EncodePhrase(revision=next(_revisions), phrase=Phrase((), 4)), "takes 2 bars"),
        (
            EncodePhrase(revision=next(_revisions), phrase=Phrase((), 2), drum_map="tabla"),
            "no drum map 'tabla'",
        ),
    ]
    for request, words in asked:
        problem = worker.ask(request, WorkerProblem)
        assert words in problem.text
        assert problem.request == request.kind
        assert problem.remedy
    assert worker.ask(Realise(revision=next(_revisions), z=z, deliver=False), Realised)


def test_numbers_that_are_none_are_refused(worker: WorkerProcess, bundle: Bundle) -> None:
    # Our own client cannot even write NaN; someone else's might.
    revision = next(_revisions)
    z = [float("nan"), *latent(bundle, A)[1:]]
    with Client(worker.endpoint.address, authkey=worker.endpoint.key.encode()) as pipe:
        message = {"kind": "realise", "revision": revision, "z": z, "deliver": False}
        pipe.send_bytes(json.dumps(message).encode())
        while True:
            event = json.loads(pipe.recv_bytes())
            if event["kind"] != "bundle_ready":
                break
    assert event["kind"] == "worker_problem"
    assert event["revision"] == revision
    assert "finite numbers" in event["text"]


def test_only_the_newest_is_answered(worker: WorkerProcess, bundle: Bundle) -> None:
    first = next(_revisions)
    count = 100
    worker.stop()
    for _ in range(count - 1):
        last = next(_revisions)
        request = Realise(
            revision=last, z=latent(bundle, A), asks={"density": 5.0, "offset": 0.2}, deliver=False
        )
        worker.connection.send(request)
    worker.go_on()
    worker.mail.wait_for(Realised, lambda answer: answer.revision == last)
    answered = [a.revision for a in worker.mail.all(Realised) if a.revision > first]
    assert answered == sorted(answered)
    assert len(answered) < count // 2


def test_a_journey_does_not_delay_a_drag(worker: WorkerProcess, bundle: Bundle) -> None:
    ends = {"a": latent(bundle, A), "b": latent(bundle, B)}
    journey, drag = next(_revisions), next(_revisions)
    worker.stop()
    worker.connection.send(DecodeJourney(revision=journey, points=64, **ends))
    worker.connection.send(Realise(revision=drag, z=latent(bundle, A), deliver=False))
    worker.go_on()
    worker.mail.wait_for(JourneyDecoded, lambda answer: answer.revision == journey)
    answers = [getattr(message, "revision", None) for _, message in worker.mail.received]
    assert answers.index(drag) < answers.index(journey)


def test_melodies_are_realised_encoded_and_delivered(
    melody_bundle: Bundle, engine_endpoint: Endpoint
) -> None:
    representation = melody_bundle.representation
    z = latent(melody_bundle, A)
    with (
        EngineStand(engine_endpoint) as engine,
        WorkerProcess(melody_bundle.path, engine=engine_endpoint) as worker,
    ):
        worker.wait_until_open()
        engine.wait_until_connected()
        answer = worker.ask(Realise(revision=1, z=z, asks={"pitch": 2.0}), Realised)
        assert set(answer.achieved) == set(answer.base) == {"density", "pitch"}
        assert answer.achieved["pitch"] > answer.base["pitch"]
        frames = np.asarray(answer.frames, np.float32)
        assert frames.shape == (64, 90)
        assert not answer.phrase.is_drums
        assert answer.phrase == representation.decode(frames)
        assert engine.mail.wait_for(SetPhrase).phrase == answer.phrase

        journey = DecodeJourney(revision=2, a=z, b=latent(melody_bundle, B), points=7)
        way = worker.ask(journey, JourneyDecoded)
        onsets = representation.onsets(np.asarray(way.frames, np.float32))
        np.testing.assert_array_equal(way.changes, step_changes(onsets))

        encoded = worker.ask(EncodePhrase(revision=3, phrase=answer.phrase), PhraseEncoded)
        assert len(encoded.z) == melody_bundle.latent_dim
        for request, words in (
            (Realise(revision=4, z=z, asks={"velocity": 0.1}), "no attribute 'velocity'"),
            (EncodePhrase(revision=5, phrase=Phrase((), 4)), "plays melodies"),
            (PlayLandmark(revision=6, landmark=A), "learnt from cello_suites"),
        ):
            problem = worker.ask(request, WorkerProblem)
            assert words in problem.text
            assert problem.remedy


def test_a_bad_bundle_leaves_the_open_one(
    worker: WorkerProcess, bundle: Bundle, tmp_path: Path
) -> None:
    broken = shutil.copytree(bundle.path, tmp_path / "broken")
    with open(broken / "weights.safetensors", "r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x7f")
    foreign = shutil.copytree(bundle.path, tmp_path / "foreign")
    manifest = json.loads((foreign / "bundle.json").read_text())
    manifest["model"]["decoder_hidden"] = [17, 17]
    (foreign / "bundle.json").write_text(json.dumps(manifest))
    for path, words in (
        (tmp_path / "nowhere", "does not exist"),
        (broken, "not what was written"),
        (foreign, "cannot be loaded"),
    ):
        problems = len(worker.mail.all(WorkerProblem))
        worker.connection.send(OpenBundle(path=str(path)))
        worker.mail.wait_for(WorkerProblem, lambda problem, path=path: str(path) in problem.text)
        assert words in worker.mail.all(WorkerProblem)[problems].text
    z = latent(bundle, A)
    assert worker.ask(Realise(revision=next(_revisions), z=z, deliver=False), Realised)


def test_without_a_bundle_it_says_so_and_opens_one_later(bundle: Bundle, tmp_path: Path) -> None:
    with WorkerProcess(tmp_path / "nowhere", cache=tmp_path) as worker:
        problem = worker.mail.wait_for(WorkerProblem)
        assert problem.request == "open_bundle"
        assert "does not exist" in problem.text
        assert "choose" in problem.remedy
        z = latent(bundle, A)
        problem = worker.ask(Realise(revision=1, z=z), WorkerProblem)
        assert problem.text == "no model is open"
        worker.connection.send(OpenBundle(path=str(bundle.path)))
        worker.wait_until_open()
        assert worker.ask(Realise(revision=2, z=z), Realised)
        # Nor is there a corpus in this cache.
        problem = worker.ask(PlayLandmark(revision=3, landmark=0), WorkerProblem)
        assert "flatjam fetch groove" in problem.remedy
        worker.connection.send(QuitWorker())
        assert worker.process.wait(30) == 0
        assert not Path(worker.endpoint.address).parent.exists()


def test_phrases_go_straight_to_the_engine(
    bundle: Bundle, corpus_folder: Path, engine_endpoint: Endpoint
) -> None:
    with (
        EngineStand(engine_endpoint) as engine,
        WorkerProcess(bundle.path, corpus_folder, engine_endpoint) as worker,
    ):
        worker.wait_until_open()
        engine.wait_until_connected()
        answer = worker.ask(Realise(revision=5, z=latent(bundle, A), tempo=111.0), Realised)
        delivered = engine.mail.wait_for(SetPhrase)
        assert delivered == SetPhrase(phrase=answer.phrase, revision=5, source="window")
        worker.ask(Realise(revision=6, z=latent(bundle, B), deliver=False), Realised)
        played = worker.ask(PlayLandmark(revision=7, landmark=B), LandmarkPlayed)
        delivered = engine.mail.wait_for(SetPhrase, lambda message: message.revision > 5)
        assert delivered == SetPhrase(phrase=played.phrase, revision=7, source="window")


def test_an_engine_that_comes_back_gets_the_newest_phrase(
    bundle: Bundle, engine_endpoint: Endpoint
) -> None:
    with WorkerProcess(bundle.path, engine=engine_endpoint) as worker:
        worker.wait_until_open()
        answer = worker.ask(Realise(revision=1, z=latent(bundle, A)), Realised)
        with EngineStand(engine_endpoint) as engine:
            assert engine.mail.wait_for(SetPhrase).phrase == answer.phrase
        answer = worker.ask(Realise(revision=2, z=latent(bundle, B)), Realised)
        with EngineStand(engine_endpoint) as engine:
            delivered = engine.mail.wait_for(SetPhrase)
            assert (delivered.revision, delivered.phrase) == (2, answer.phrase)
            worker.ask(Realise(revision=3, z=latent(bundle, A)), Realised)
            engine.mail.wait_for(SetPhrase, lambda message: message.revision == 3)


def test_the_engine_plays_what_the_worker_decodes(bundle: Bundle, tmp_path: Path) -> None:
    sound = tmp_path / "out.wav"
    driver = {"FLATJAM_AUDIO_DRIVER": "file", "FLATJAM_AUDIO_FILE": str(sound)}
    with (
        EngineProcess({**os.environ, **driver}) as engine,
        WorkerProcess(bundle.path, engine=engine.endpoint) as worker,
    ):
        worker.wait_until_open()
        answer = worker.ask(Realise(revision=1, z=latent(bundle, A), tempo=200), Realised)
        assert answer.phrase.notes
        engine.client.wait_for(Swapped, lambda swap: (swap.revision, swap.source) == (1, "window"))
        engine.client.send(Play())
        engine.client.wait_for(Position, lambda position: position.beat > 2)
        mark = engine.client.mark()
        worker.ask(Realise(revision=2, z=latent(bundle, B), tempo=200), Realised)
        swap = engine.client.wait_for(Swapped, lambda swap: swap.revision == 2, since=mark)
        assert swap.first_new_time is not None
        engine.client.wait_for(Position, lambda position: position.revision == 2, since=mark)
    with wave.open(str(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
    assert np.abs(samples.astype(np.int32)).max() > 1000


def test_a_killed_worker_is_seen_at_once(bundle: Bundle) -> None:
    with WorkerProcess(bundle.path) as worker:
        worker.wait_until_open()
        worker.process.send_signal(signal.SIGKILL)
        assert worker.closed.wait(10)
        assert not worker.connection.is_open


def test_ends_some_time_after_its_last_client(bundle: Bundle) -> None:
    with WorkerProcess(bundle.path) as worker:
        worker.wait_until_open()
        mail = Mailbox()
        second = worker.connect(mail, threading.Event())
        mail.wait_for(BundleReady)
        worker.connection.close()
        second.close()
        left = time.monotonic()
        assert worker.process.wait(60) == 0
        assert time.monotonic() - left > LAST_CLIENT_SECONDS - 0.5


def test_a_signal_ends_it_tidily(bundle: Bundle) -> None:
    with WorkerProcess(bundle.path) as worker:
        worker.wait_until_open()
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.wait(30) == 0
        assert worker.closed.wait(10)
        assert not Path(worker.endpoint.address).parent.exists()


def test_a_line_that_is_no_configuration_is_refused() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "fmvae_core.inference"],
        input='{"address": 5}\n',
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 2
    assert "expected one line of JSON" in run.stderr
    assert "Traceback" not in run.stderr
