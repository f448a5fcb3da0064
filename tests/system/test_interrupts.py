"""Signals become exceptions, with their exit codes, and what `nohup` ignores stays ignored."""

import os
import signal
from contextlib import suppress

import pytest

from linnet.cli import inspect, main as cli
from linnet.system.errors import InputError, Interrupted
from linnet.system.interrupts import SIGNALS, Interrupts


@pytest.mark.parametrize("signum", SIGNALS)
class TestSignal:
    def test_raises_with_its_exit_code_and_is_given_back(self, signum):
        before = signal.getsignal(signum)
        with pytest.raises(Interrupted) as caught, Interrupts():
            os.kill(os.getpid(), signum)
            signal.sigtimedwait([], 1)
        assert caught.value.exit_code == 128 + signum
        assert signal.getsignal(signum) == before

    def test_that_a_library_swallowed_is_known_to_the_next_one(self, signum):
        with Interrupts():
            with suppress(Interrupted):
                signal.raise_signal(signum)
            with Interrupts() as inner, pytest.raises(Interrupted):
                inner.raise_if_any()
        with Interrupts() as later:
            later.raise_if_any()

    def test_waits_while_it_is_deferred(self, signum):
        interrupts, reached = Interrupts(), []
        with pytest.raises(Interrupted), interrupts, interrupts.deferred():
            os.kill(os.getpid(), signum)
            reached.append(interrupts.any())
        assert reached == [True]


def test_a_hang_up_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("kind", [InputError, AttributeError])
def test_a_signal_whose_exception_another_error_replaced_is_still_a_stop(kind, monkeypatch, capsys):
    def compose(*_):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.sigtimedwait([], 1)
        finally:
            raise kind("what a library made of it")

    monkeypatch.setattr(inspect, "main", compose)
    assert cli.run(["inspect", "run"]) == 143
    assert capsys.readouterr().err == "linnet: stopped by SIGTERM\n"
