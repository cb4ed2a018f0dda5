"""Counts checks and prints a line for each."""

import traceback
from contextlib import contextmanager


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextmanager
    def check(self, name: str):
        """A check passes when its block ends without an exception."""
        try:
            yield
        except Exception as error:
            self.failed += 1
            place = traceback.extract_tb(error.__traceback__)[1:][:1]
            where = f" ({place[0].filename.rsplit('/', 1)[-1]}:{place[0].lineno})" if place else ""
            words = " ".join(str(error).split()) or type(error).__name__
            print(f"FAIL {name}: {type(error).__name__}: {words[:600]}{where}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name}", flush=True)

    def sums(self) -> str:
        return f"{self.passed} passed, {self.failed} failed"


def equal(found, expected) -> None:
    if found != expected:
        raise AssertionError(f"found {found!r}, expected {expected!r}")


def contains(text, part) -> None:
    if part not in text:
        raise AssertionError(f"{text!r} does not contain {part!r}")


def refused(error_class: type, call, code: str | None = None, status: int | None = None) -> Exception:
    """The exception of exactly this class that the call raises; with this error code and this status."""
    try:
        call()
    except Exception as error:
        if type(error) is not error_class:
            raise AssertionError(f"{type(error).__name__} instead of {error_class.__name__}: {error}") from error
        own = getattr(error, "error", None)
        if code is not None:
            equal(getattr(own, "code", None) or getattr(error, "error_code", None), code)
        if status is not None:
            equal(error.status_code, status)
        return error
    raise AssertionError(f"nothing was raised instead of {error_class.__name__}")
