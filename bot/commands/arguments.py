"""What the command line's numbers may be; argparse says what is wrong with the others."""

import argparse
import math


def port(text: str) -> int:
    """A port to listen at, 0 for a free one."""
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= 65_535):
        raise argparse.ArgumentTypeError(f"should be a port from 0 to 65535, is {text!r}")
    return int(text[:6])


def seconds(text: str) -> float:
    """A time to wait, more than none and not for ever."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise argparse.ArgumentTypeError(f"should be a number of seconds above 0, is {text!r}")
    return number


def days(text: str) -> int:
    """So many whole days, none at least and a hundred years at most."""
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= 36_500):
        raise argparse.ArgumentTypeError(f"should be days from 0 to 36500, is {text!r}")
    return int(text[:6])
