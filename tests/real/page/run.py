#!/usr/bin/env python3
"""Lets Chromium and axe judge the coverage page.

    run.py --page target/debug/examples/coverage-page --chromium PROGRAM --libraries FOLDERS --tools target/tools [--pictures FOLDER]

Exit code 0 when all checks passed, 1 when one failed, 2 when they could not be run.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = ["package.json", "package-lock.json"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", type=Path, required=True, help="the example coverage-page")
    parser.add_argument("--chromium", type=Path, required=True, help="the browser")
    parser.add_argument("--libraries", default="", help="folders of shared libraries that it needs and this machine lacks")
    parser.add_argument("--tools", type=Path, required=True, help="the folder that its driver and axe are installed below")
    parser.add_argument("--pictures", type=Path, help="a folder for pictures of the page, to be looked at")
    arguments = parser.parse_args()
    for needed in ["node", "npm"]:
        if shutil.which(needed) is None:
            print(f"error: {needed} is missing: install Node.js 20 or newer", file=sys.stderr)
            return 2
    try:
        modules = installed(arguments.tools.resolve())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: the browser's driver or axe could not be installed: {error}", file=sys.stderr)
        return 2
    paths = {"MODULES": modules, "PAGE": arguments.page.resolve(), "CHROMIUM": arguments.chromium.resolve()}
    environment = os.environ | {name: str(path) for name, path in paths.items()} | {"CHROMIUM_LIBRARIES": arguments.libraries}
    if arguments.pictures:
        environment["PICTURES"] = str(arguments.pictures.resolve())
    # From here on Node.js runs, under the same process id.
    os.execvpe("node", ["node", str(HERE / "judges.mjs")], environment)


def installed(tools: Path) -> Path:
    """A folder that holds exactly what the pins say."""
    digest = hashlib.sha256(b"".join((HERE / pin).read_bytes() for pin in PINS)).hexdigest()[:12]
    folder = tools / f"page-{digest}"
    if not (folder / "finished").exists():
        # What an interrupted run left behind is not repaired.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(f"installing the browser's driver and axe into {folder}", file=sys.stderr)
        for pin in PINS:
            shutil.copy(HERE / pin, folder)
        quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel", "error"]
        subprocess.run(["npm", "ci", "--prefix", folder, *quiet], check=True, stdout=sys.stderr)
        (folder / "finished").touch()
    return folder


if __name__ == "__main__":
    sys.exit(main())
