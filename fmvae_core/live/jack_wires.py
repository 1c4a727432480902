"""JACK's connections of several pairs of outputs, which FluidSynth does not make by itself.

With several pairs, FluidSynth has ports ``l_00``, ``r_00``, ``l_01`` and so on for the dry sound,
and ports of their own for the reverb of each pair: the first of two effects, so every other one.
"""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)

JACK_CLIENT = "flatjam"


def connect_pairs(pairs: int) -> None:
    """Connect each pair, with its reverb, to the device's pair of the same number.

    A pair that the device lacks is left alone: what is to be heard there may be meant for somebody
    who connects it by hand, and not for the first pair, which the audience hears.
    """
    import jack  # needs JACK's library, which is there where this is called

    try:
        client = jack.Client(f"{JACK_CLIENT}-wires", no_start_server=True)
    except jack.JackOpenError as error:  # the server has just died; that is noticed elsewhere
        log.warning("%s", error)
        return
    with client:
        sinks = client.get_ports(is_audio=True, is_input=True, is_physical=True)
        for number, sink in enumerate(sinks[: 2 * pairs]):
            pair, side = divmod(number, 2)
            for name in (f"{'lr'[side]}_{pair:02d}", f"fx_{'lr'[side]}_{2 * pair:02d}"):
                for port in client.get_ports(f"^{JACK_CLIENT}[^:]*:{name}$", is_output=True):
                    if sink not in client.get_all_connections(port):
                        client.connect(port, sink)
