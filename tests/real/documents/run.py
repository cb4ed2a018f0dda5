#!/usr/bin/env python3
"""Lets validators that others wrote judge the schemas, the API documents and the examples in docs/.

    run.py --tools target/tools

Installs the validators, pinned, below the tools folder. Exit code 0 when all checks passed, 1 when one failed, 2 when they could not be run.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The other judges install with the same uv.
UV_REQUIREMENTS = HERE.parent / "azure-clients" / "requirements" / "uv.txt"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True, help="the folder that the validators are installed below")
    tools = parser.parse_args().tools.resolve()
    try:
        uv = environment(tools, "uv", UV_REQUIREMENTS, with_pip) / "bin" / "uv"
        python = environment(tools, "documents", HERE / "requirements.txt", lambda *place: with_uv(uv, *place)) / "bin" / "python"
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: a validator could not be installed: {error}", file=sys.stderr)
        return 2
    # From here on the validators' own Python runs, under the same process id.
    os.execv(python, [python, "-B", HERE / "judges.py"])


def environment(tools: Path, name: str, requirements: Path, install) -> Path:
    """A virtual environment that holds exactly what its requirements file says."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]
    folder = tools / f"{name}-{digest}"
    if not (folder / "finished").exists():
        # What an interrupted run left behind is not repaired.
        shutil.rmtree(folder, ignore_errors=True)
        print(f"installing {name} into {folder}", file=sys.stderr)
        install(folder, requirements)
        (folder / "finished").touch()
    return folder


def with_pip(folder: Path, requirements: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--requirement", requirements], check=True)


def with_uv(uv: Path, folder: Path, requirements: Path) -> None:
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "--requirement", requirements], check=True)


if __name__ == "__main__":
    sys.exit(main())
