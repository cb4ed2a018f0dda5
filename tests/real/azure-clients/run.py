#!/usr/bin/env python3
"""Lets azure-cli and the Azure SDK for Python judge the simulator and what the onboarder does in it.

    run.py --onboarder target/debug/ispm-onboarder --handler target/debug/handler --tools target/tools

Installs the clients, pinned, below the tools folder, starts `ispm-onboarder simulate` and ends everything it started. Prints one line for
each check and the sums at the end. Exit code 0 when all passed, 1 when one failed, 2 when the checks could not be run.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

# A source tree is no place for compiled files.
sys.dont_write_bytecode = True

from tools import Tools  # noqa: E402


def program(text: str) -> Path:
    path = Path(text).resolve()
    if not os.access(path, os.X_OK):
        raise argparse.ArgumentTypeError(f"{path} is not a program; build it first")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--onboarder", type=program, required=True, help="the ispm-onboarder program, with its simulator")
    parser.add_argument("--handler", type=program, required=True, help="the handler program, as it is deployed")
    parser.add_argument("--tools", type=Path, required=True, help="the folder that the clients are installed below")
    arguments = parser.parse_args()
    try:
        tools = Tools(arguments.tools.resolve())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"error: a client could not be installed: {error}", file=sys.stderr)
        return 2
    # From here on the SDK's own Python runs, under the same process id.
    judges = Path(__file__).with_name("judges.py")
    os.execv(tools.python, [tools.python, "-B", judges, arguments.onboarder, arguments.handler, tools.az])


if __name__ == "__main__":
    sys.exit(main())
