#!/usr/bin/env python3
"""Lets Terraform and checkov judge infra/azure, without an account and without a registry of providers.

    run.py --tools target/tools [--stage app|platform|wiring] [--only fmt|validate|test|plan|checkov|apply|planted]

Installs what it needs, pinned, below the tools folder; Terraform itself has to be there. Exit code 0 when all checks passed, 1 when one
failed, 2 when they could not be run.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements"
# The other judges install with the same uv.
UV_REQUIREMENTS = HERE.parent / "azure-clients" / "requirements" / "uv.txt"
STAGES = ["app", "platform", "wiring"]
STEPS = ["fmt", "validate", "test", "plan", "checkov", "apply", "planted"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path, required=True, help="the folder that everything is installed below")
    parser.add_argument("--stage", choices=STAGES, help="only this root module")
    parser.add_argument("--only", choices=STEPS, help="only this step")
    arguments = parser.parse_args()
    refusal = unusable_terraform()
    if refusal:
        print(f"error: {refusal}", file=sys.stderr)
        return 2
    try:
        python, checkov, schemas = installed(arguments.tools.resolve(), arguments.only)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: a part could not be installed: {error}", file=sys.stderr)
        return 2
    # From here on the Python that has the plugin protocol runs, under the same process id.
    stages = [arguments.stage] if arguments.stage else STAGES
    steps = [arguments.only] if arguments.only else STEPS
    os.environ["PYTHONPATH"] = str(schemas)
    os.execv(python, [python, "-B", HERE / "stages.py", schemas, checkov, ",".join(stages), ",".join(steps)])


def unusable_terraform() -> str | None:
    """What is wrong with the Terraform on PATH. 1.11 is the first that knows all that the modules and their tests use."""
    wanted = "install Terraform 1.11 or newer"
    if shutil.which("terraform") is None:
        return f"terraform is missing on PATH: {wanted}"
    told = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True)
    try:
        version = json.loads(told.stdout)["terraform_version"]
    except (ValueError, KeyError):
        return f"terraform does not tell its version ({told.stderr.strip()[:200]}): {wanted}"
    major, minor = (int(part) for part in re.match(r"(\d+)\.(\d+)", version).groups())
    return None if (major, minor) >= (1, 11) and major == 1 else f"terraform is {version}: {wanted}"


def installed(tools: Path, only: str | None) -> tuple[Path, Path, Path]:
    """Python with the plugin protocol's packages, checkov, and the folder of schemas and protocol code."""
    tools.mkdir(parents=True, exist_ok=True)
    with open(tools / "terraform.lock", "w") as lock:
        # Two runs at once would install into each other's folders.
        fcntl.flock(lock, fcntl.LOCK_EX)
        uv = folder(tools, "uv", [UV_REQUIREMENTS], lambda place: with_pip(place, UV_REQUIREMENTS))
        python = with_uv_in(tools, uv, "provider") / "bin" / "python"
        checkov = with_uv_in(tools, uv, "checkov") / "bin" / "checkov" if only in (None, "checkov") else Path()
        made_of = [REQUIREMENTS / "schemas.txt", REQUIREMENTS / "provider.txt", HERE / "schema.py", HERE / "tfplugin6.proto"]
        schemas = folder(tools, "terraform-schemas", made_of, lambda place: with_schemas(place, uv / "bin" / "pip", python))
    return python, checkov, schemas


def folder(tools: Path, name: str, made_of: list[Path], make) -> Path:
    """A folder that holds exactly what these files say."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in made_of)).hexdigest()[:12]
    place = tools / f"{name}-{digest}"
    if not (place / "finished").exists():
        # What an interrupted run left behind is not repaired.
        shutil.rmtree(place, ignore_errors=True)
        print(f"installing {name} into {place}", file=sys.stderr)
        make(place)
        (place / "finished").touch()
    return place


def with_pip(place: Path, requirements: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", place], check=True)
    subprocess.run([place / "bin" / "pip", "install", "--quiet", "--requirement", requirements], check=True)


def with_uv_in(tools: Path, uv: Path, name: str) -> Path:
    requirements = REQUIREMENTS / f"{name}.txt"

    def make(place: Path) -> None:
        program = uv / "bin" / "uv"
        subprocess.run([program, "venv", "--quiet", "--python", sys.executable, place], check=True)
        python = place / "bin" / "python"
        subprocess.run([program, "pip", "install", "--quiet", "--python", python, "--requirement", requirements], check=True)

    return folder(tools, f"terraform-{name}", [requirements], make)


def with_schemas(place: Path, pip: Path, python: Path) -> None:
    """The schemas as JSON, one file for each provider, and the protocol's Python code. The packages are 48 MB, and not kept."""
    wheels = place / "wheels"
    wheels.mkdir(parents=True)
    download = [pip, "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", wheels]
    subprocess.run([*download, "--requirement", REQUIREMENTS / "schemas.txt"], check=True)
    for wheel in wheels.glob("*.whl"):
        name = re.match(r"cdktf_cdktf_provider_(\w+)-", wheel.name)[1]
        subprocess.run([python, "-B", HERE / "schema.py", wheel, place / f"{name}.json"], check=True)
    shutil.rmtree(wheels)
    protoc = [python, "-m", "grpc_tools.protoc", f"--proto_path={HERE}", f"--python_out={place}", f"--grpc_python_out={place}"]
    subprocess.run([*protoc, "tfplugin6.proto"], check=True)


if __name__ == "__main__":
    sys.exit(main())
