"""Makers of small real things for tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fmvae_core.geometry.attribute_vectors import attribute_vectors
from fmvae_core.geometry.projection import PCA
from fmvae_core.models.bundle import Bundle, write_bundle
from fmvae_core.models.landmarks import Landmarks
from fmvae_core.music.drum_representation import HITS
from fmvae_core.music.melody_representation import LOWEST_PITCH, NOTE_OFF, REST
from fmvae_core.music.midi_file import write_midi
from fmvae_core.music.phrase import Note, Phrase
from fmvae_core.music.representation import representation as representation_named

if TYPE_CHECKING:
    from torch import Tensor

    from fmvae_core.models.config import RepresentationName
    from fmvae_core.models.recurrent_vae import RecurrentVAE

STYLES = ("funk", "jazz", "rock", "latin", "hiphop", "soul")
DRUMMERS = ("drummer1", "drummer2", "drummer3")
TUNES = tuple(f"suite-{1 + index // 6}-{1 + index % 6}-prelude" for index in range(12))


def tiny_bundle(
    path: str | Path,
    n_landmarks: int = 200,
    seed: int = 0,
    representation: RepresentationName = "drums",
    bars: int = 2,
    corpus: str | None = None,
    is_music_vae: bool = False,
) -> Bundle:
    """Write a small bundle, made as a real one is but with a network that was never trained.

    Its landmarks are drawn at random and their attributes are those of what they decode to. Drums:
    the thresholds let every drum sound in about an eighth of the steps. Melodies: a note begins at
    about every other step, within two octaves and a half. MusicVAE's network can be had too.
    """
    import torch  # here, so that tests without a bundle start without it

    from fmvae_core.models.config import ModelConfig
    from fmvae_core.models.recurrent_vae import RecurrentVAE

    plays = representation_named(representation, bars)
    config = ModelConfig(
        representation=representation,
        bars=bars,
        features=plays.features,
        latent_dim=8,
        encoder_hidden=(16, 16),
        conductor_hidden=16,
        decoder_hidden=(16, 16),
        prior_hidden=(16,),
        prior_latent_dim=8,
    )
    if is_music_vae:
        config = replace(config, encoder_cell="lstm", decoder="autoregressive", prior="standard")
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n_landmarks, config.latent_dim)).astype(np.float16).astype(np.float32)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        network = RecurrentVAE(config).eval()
        for weights in network.parameters():
            # Larger than at the start of a training, so that what is heard depends on z.
            weights.copy_((3 * weights).half())
        if representation == "melody":
            _make_it_sing(network, torch.from_numpy(z))
        frames = network.decode_frames(torch.from_numpy(z)).numpy()
    thresholds = np.zeros(0)
    if representation == "drums":
        thresholds = np.quantile(frames[..., HITS], 7 / 8, axis=(0, 1))
    values = plays.attributes(frames, thresholds).astype(np.float32)

    performance = rng.integers(0, 2 * len(STYLES), n_landmarks)
    performances = tuple(
        f"drummer{1 + index % len(DRUMMERS)}/session1/{index}_{STYLES[index % len(STYLES)]}"
        "_100_beat_4-4.mid"
        if representation == "drums"
        else f"{TUNES[index]}.mid"
        for index in range(2 * len(STYLES))
    )
    corpus = corpus or ("groove" if representation == "drums" else "cello_suites")
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
            drummers=DRUMMERS if representation == "drums" else ("",) * len(DRUMMERS),
            performances=performances,
        ),
        attribute_vectors=attribute_vectors(z, values, plays.attribute_names),
        pca=PCA.fit(z).oriented(z, values[:, 0]),
        card={
            "model": "MusicVAE" if is_music_vae else "FM-Music-VAE",
            "size": "tiny",
            "steps": 0,
            "data": {"corpus": corpus},
            "attributes": {},
        },
    )


def _make_it_sing(network: RecurrentVAE, z: Tensor) -> None:
    """Shift the output's biases so that a melody is heard, not noise over all 88 keys."""
    bias = network.decoder.head.bias
    keys = slice(48 - LOWEST_PITCH, 78 - LOWEST_PITCH)
    raw = network.decode(z)
    highest = raw[..., keys].amax(dim=-1)
    silence = (highest - raw[..., REST]).quantile(0.5)
    ending = (highest - raw[..., NOTE_OFF]).quantile(0.1)
    held_back = bias - 60.0
    held_back[keys] = bias[keys]
    held_back[REST], held_back[NOTE_OFF] = bias[REST] + silence, bias[NOTE_OFF] + ending
    bias.copy_(held_back.half())


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
