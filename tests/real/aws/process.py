"""Servers on 127.0.0.1 that are started here, and ended by their process id."""

import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 30
END_SECONDS = 10


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(what: str, look, seconds: float = START_SECONDS):
    """The first answer of `look` that is true."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"in {seconds:.0f} seconds it was not seen that {what}")
        time.sleep(0.1)
    return found


class Server:
    """A process that listens on a port, within `with`."""

    def __init__(self, folder: Path, name: str, command: list, port: int, environment: dict[str, str]):
        folder.mkdir(exist_ok=True)
        self._log, self._name, self._command, self._environment = folder / f"{name}.log", name, command, environment
        self.port, self.url = port, f"http://127.0.0.1:{port}"

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=self._environment, cwd=self._log.parent)
        try:
            until(f"{self._name} listens", self._listens)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.end()

    def _listens(self) -> bool:
        if self._process.poll() is not None:
            raise RuntimeError(f"{self._name} did not start: {self.said()}")
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
