"""Installs the clients, pinned, each into a virtual environment of its own below the tools folder."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"


class Tools:
    """The programs that the checks need. Making one installs what is not there yet."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._uv = self._environment("uv", self._with_pip) / "bin" / "uv"
        self.az = self._environment("azure-cli", self._with_uv) / "bin" / "az"
        self.python = self._environment("sdk", self._with_uv) / "bin" / "python"

    def _environment(self, name: str, install) -> Path:
        """A virtual environment that holds exactly what its requirements file says."""
        requirements = REQUIREMENTS / f"{name}.txt"
        digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
        environment = self._folder / f"{name}-{digest}"
        finished = environment / "finished"
        if not finished.exists():
            # What an interrupted run left behind is not repaired.
            shutil.rmtree(environment, ignore_errors=True)
            print(f"installing {name} into {environment}", file=sys.stderr)
            install(environment, requirements)
            finished.touch()
        return environment

    def _with_pip(self, environment: Path, requirements: Path) -> None:
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([environment / "bin" / "pip", "install", "--quiet", "--requirement", requirements], check=True)

    def _with_uv(self, environment: Path, requirements: Path) -> None:
        python = environment / "bin" / "python"
        subprocess.run([self._uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
        subprocess.run([self._uv, "pip", "install", "--quiet", "--python", python, "--requirement", requirements], check=True)
