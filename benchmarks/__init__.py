"""Speed, measured: ``make bench`` writes ``build/bench.json``. See `benchmarks.__main__`."""
