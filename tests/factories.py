"""Makers of small real things for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.geometry.projection import PCA
from fmvae_core.models.bundle import Bundle, write_bundle
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.attributes import attributes
from fmvae_core.music.midi_file import write_midi
from fmvae_core.music.phrase import Note, Phrase
from fmvae_core.music.representation import HITS

STYLES = ("funk", "jazz", "rock", "latin", "hiphop", "soul")
DRUMMERS = ("drummer1", "drummer2", "drummer3")


def tiny_bundle(path: str | Path, n_landmarks: int = 200, seed: int = 0) -> Bundle:
    """Write a small bundle, made as a real one is but with a network that was never trained.

    Its landmarks are drawn at random and their attributes are those of what they decode to. The
    thresholds let every drum sound in about an eighth of the steps.
    """
    import torch  # here, so that tests without a bundle start without it

    from fmvae_core.models.config import ModelConfig
    from fmvae_core.models.fm_music_vae import FMMusicVAE

    config = ModelConfig(
        latent_dim=8,
        encoder_hidden=(16, 16),
        conductor_hidden=16,
        decoder_hidden=(16, 16),
        prior_hidden=(16,),
        prior_latent_dim=8,
    )
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n_landmarks, config.latent_dim)).astype(np.float16).astype(np.float32)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = FMMusicVAE(config).eval()
        for weights in network.parameters():
            # Larger than at the start of a training, so that what is heard depends on z.
            weights.copy_((3 * weights).half())
        frames = network.decode_frames(torch.from_numpy(z)).numpy()
    thresholds = np.quantile(frames[..., HITS], 7 / 8, axis=(0, 1))
    values = attributes(frames, thresholds).astype(np.float32)

    performance = rng.integers(0, 2 * len(STYLES), n_landmarks)
    performances = tuple(
        f"drummer{1 + index % len(DRUMMERS)}/session1/{index}_{STYLES[index % len(STYLES)]}"
        "_100_beat_4-4.mid"
        for index in range(2 * len(STYLES))
    )
    return write_bundle(
        path,
        name="tiny",
        bars=config.bars,
        model_config=config.to_dict(),
        weights={name: tensor.numpy() for name, tensor in network.state_dict().items()},
        thresholds=thresholds,
        landmarks=Landmarks(
            z=z,
            attributes=values,
            style=(performance % len(STYLES)).astype(np.int32),
            drummer=(performance % len(DRUMMERS)).astype(np.int32),
            performance=performance.astype(np.int32),
            bar=rng.integers(0, 16, n_landmarks).astype(np.int32),
            tempo=np.full(n_landmarks, 100, np.float32),
            styles=STYLES,
            drummers=DRUMMERS,
            performances=performances,
        ),
        attribute_vectors=attribute_vectors(z, values),
        pca=PCA.fit(z).oriented(z, values[:, 0]),
        card={"size": "tiny", "steps": 0, "attributes": {}},
    )


def tiny_corpus(folder: Path, bundle: Bundle) -> Path:
    """Write a Groove-like folder that holds every performance of a bundle's landmarks.

    Each is 17 bars long. A bar starts with a pedalled hi-hat (pitch 44), a little early from the
    second bar on, and a bass drum on the beat whose velocity tells the bar: 20 + its number from 0.
    """
    rows = ["drummer,midi_filename,bpm,time_signature,style,split"]
    for name in bundle.landmarks.performances:
        style = Path(name).name.split("_")[1]
        rows.append(f"{name.split('/')[0]},{name},100,4-4,{style},train")
        notes = tuple(
            note
            for bar in range(17)
            for note in (
                Note(4.0 * bar - (0.0625 if bar else 0.0), 44, 70, 0.1),
                Note(4.0 * bar, 36, 20 + bar, 0.1),
            )
        )
        write_midi(Phrase(notes, 17, 100.0), folder / name)
    (folder / "info.csv").write_text("\n".join(rows) + "\n")
    return folder
