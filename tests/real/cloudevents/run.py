#!/usr/bin/env python3
"""Lets the CloudEvents SDKs for Python and JavaScript judge the onboarder's events.

    run.py --onboarder target/debug/ispm-onboarder --tools target/tools

Exit code 0 when all checks passed, 1 when one failed, 2 when they could not be run.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onboarder", type=Path, required=True, help="the ispm-onboarder program, with its simulator")
    parser.add_argument("--tools", type=Path, required=True, help="the folder that the SDKs are installed below")
    arguments = parser.parse_args()
    for needed in ["node", "npm"]:
        if shutil.which(needed) is None:
            print(f"error: {needed} is missing: install Node.js 20 or newer", file=sys.stderr)
            return 2
    try:
        tools = arguments.tools.resolve()
        python = installed(tools, "cloudevents-python", ["requirements.txt"], with_pip) / "bin" / "python"
        modules = installed(tools, "cloudevents-javascript", ["package.json", "package-lock.json"], with_npm)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: an SDK could not be installed: {error}", file=sys.stderr)
        return 2
    # From here on the SDK's own Python runs, under the same process id.
    os.execv(python, [python, HERE / "judges.py", arguments.onboarder.resolve(), modules])


def installed(tools: Path, name: str, pins: list[str], install) -> Path:
    """A folder that holds exactly what the pins say."""
    digest = hashlib.sha256(b"".join((HERE / pin).read_bytes() for pin in pins)).hexdigest()[:12]
    folder = tools / f"{name}-{digest}"
    if not (folder / "finished").exists():
        # What an interrupted run left behind is not repaired.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"installing {name} into {folder}", file=sys.stderr)
        install(folder)
        (folder / "finished").touch()
    return folder


def with_pip(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([folder / "bin" / "pip", "install", "--quiet", "--requirement", HERE / "requirements.txt"], check=True)


def with_npm(folder: Path) -> None:
    for pin in ["package.json", "package-lock.json"]:
        shutil.copy(HERE / pin, folder)
    quiet = ["--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(["npm", "ci", "--prefix", folder, *quiet], check=True, stdout=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
