"""Ctrl-C ends the processes that tests start, however the tests themselves were started."""

import signal


def pytest_configure() -> None:
    # A shell's background job ignores it, and hands that down.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
