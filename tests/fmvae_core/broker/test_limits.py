from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from fmvae_core.broker.limits import Allowance, is_loopback, is_token, make_token, read_token


def test_an_allowance_is_used_up_and_grows_again() -> None:
    now = 0.0
    allowance = Allowance(3, 2.0, lambda: now)
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]
    now = 0.5
    assert [allowance.take() for _ in range(2)] == [True, False]
    now = 100.0  # never more at once
    assert [allowance.take() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "localhost"])
def test_only_this_machine_reaches_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "example.org", ""])
def test_others_reach_any_other_address(host: str) -> None:
    assert not is_loopback(host)


def test_a_token_is_compared_whole() -> None:
    assert is_token("späte Becken", "späte Becken")
    assert not is_token("späte Becke", "späte Becken")
    assert not is_token("", "späte Becken")


def test_a_new_token_is_good_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "of" / "broker.token"
    token = make_token(path)
    assert len(token) >= 32
    assert read_token(path) == token
    with pytest.raises(FileExistsError):
        make_token(path)
    path.write_text("short")
    with pytest.raises(ValueError, match="fewer than 16 characters"):
        read_token(path)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes there")
def test_a_token_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    make_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(ValueError, match="chmod 600"):
        read_token(path)
