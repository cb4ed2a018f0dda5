#!/usr/bin/env python3
"""Lets SAM, cfn-lint, checkov, ministack and moto judge infra/aws and `bootstrap`, without an account.

    run.py --bootstrap target/debug/bootstrap --onboarder target/debug/ispm-onboarder --tools target/tools [--only STEP]

Installs what it needs, pinned, below the tools folder, binds to 127.0.0.1 only and ends everything it started. Prints one line for each
check and the sums at the end. Exit code 0 when all passed, 1 when one failed, 2 when the checks could not be run.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
# The other judges install with the same uv, and scan with the same checkov.
UV_REQUIREMENTS = HERE.parent / "azure-clients" / "requirements" / "uv.txt"
CHECKOV_REQUIREMENTS = HERE.parent / "terraform" / "requirements" / "checkov.txt"
STEPS = ["lint", "deploy", "planted", "moto"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bootstrap", type=there, required=True, help="the package for x86-64 (a zip), or the program itself")
    parser.add_argument("--onboarder", type=there, required=True, help="the ispm-onboarder program, with its simulator")
    parser.add_argument("--tools", type=Path, required=True, help="the folder that everything is installed below")
    parser.add_argument("--only", choices=STEPS, help="only this step")
    arguments = parser.parse_args()
    try:
        tools = installed(arguments.tools.resolve())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: a part could not be installed: {error}", file=sys.stderr)
        return 2
    # From here on the Python that has the AWS SDK runs, under the same process id.
    python = tools["ministack"] / "bin" / "python"
    steps = [arguments.only] if arguments.only else STEPS
    places = [tools["sam"], tools["ministack"], tools["moto"], tools["checkov"]]
    os.execv(python, [python, "-B", HERE / "judges.py", arguments.bootstrap, arguments.onboarder, *places, ",".join(steps)])


def there(text: str) -> Path:
    path = Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"{path} is not there; build it first")
    return path


def installed(tools: Path) -> dict[str, Path]:
    """Each part's virtual environment."""
    tools.mkdir(parents=True, exist_ok=True)
    with open(tools / "aws.lock", "w") as lock:
        # Two runs at once would install into each other's folders.
        fcntl.flock(lock, fcntl.LOCK_EX)
        uv = environment(tools, "uv", UV_REQUIREMENTS, with_pip) / "bin" / "uv"
        own = {name: REQUIREMENTS / f"{name}.txt" for name in ["sam", "ministack", "moto"]}
        made_of = {**{f"aws-{name}": file for name, file in own.items()}, "terraform-checkov": CHECKOV_REQUIREMENTS}
        places = {name: environment(tools, name, file, lambda *place: with_uv(uv, *place)) for name, file in made_of.items()}
    return {name.rsplit("-", 1)[-1]: place for name, place in places.items()}


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
