"""The file of latencies: whose is found by which name."""

from __future__ import annotations

from fmvae_core.jam.latencies import latency_of, load_latencies, save_latency


def test_the_device_of_just_that_name_comes_before_one_that_only_has_it_in_its_name() -> None:
    save_latency("TD-11 second", 30.0)
    save_latency("TD-11", 12.0)
    assert latency_of(["TD-11"]) == 12.0
    assert latency_of(["second"]) == 30.0
    assert latency_of(["piano", "td-11 sec"]) == 30.0
    assert latency_of(["piano"]) == 0.0


def test_devices_have_names_of_any_letters() -> None:
    save_latency("Schlagzeug für Zoë 鼓", -3.0)
    assert load_latencies() == {"Schlagzeug für Zoë 鼓": -3.0}
