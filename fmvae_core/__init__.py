"""Flat latent manifolds of music: the library behind Flatjam, usable with no screen."""

__version__ = "0.1.0"
