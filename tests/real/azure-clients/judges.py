"""Runs every check, each group in a simulator of its own. Started by run.py in the SDK's virtual environment."""

import logging
import signal
import sys
import tempfile
from pathlib import Path

import azure_cli
import bad_input
import bad_tokens
import documented
import grants
import handover
import sdk_data
import sdk_management
from report import Report
from simulator import Simulator

TWO_TENANTS = Path(__file__).parent / "worlds" / "two-tenants.json"


def main(onboarder: Path, handler: Path, az: Path) -> int:
    # An end by SIGTERM unwinds like any other, so that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    # Refusals are what most checks want; the SDK need not warn of them.
    logging.disable(logging.CRITICAL)
    report = Report()
    with tempfile.TemporaryDirectory(prefix="azure-clients-") as name:
        folder = Path(name)
        with Simulator(onboarder, folder / "cli") as simulator:
            azure_cli.check(report, simulator, az)
        with Simulator(onboarder, folder / "handover") as simulator:
            handover.check(report, simulator, az, onboarder, handler)
        with Simulator(onboarder, folder / "grants") as simulator:
            grants.check(report, simulator, az, onboarder)
        with Simulator(onboarder, folder / "sdk") as simulator:
            sdk_management.check(report, simulator)
            sdk_data.check(report, simulator)
        with Simulator(onboarder, folder / "bad", TWO_TENANTS) as simulator:
            bad_input.check(report, simulator)
            bad_tokens.check(report, simulator)
    documented.check(report, az)
    print(report.sums())
    return 0 if report.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
