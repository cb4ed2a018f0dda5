"""Runs the steps. Started by run.py in the virtual environment that has the AWS SDK."""

import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "azure-clients"))

import buckets  # noqa: E402
import delivery  # noqa: E402
import documented  # noqa: E402
import lint  # noqa: E402
import parameters  # noqa: E402
import planted  # noqa: E402
import refusals  # noqa: E402
from account import Account  # noqa: E402
from judgements import JUDGES  # noqa: E402
from report import Report, equal  # noqa: E402
from simulator import Simulator  # noqa: E402
from template import Project  # noqa: E402


def main(bootstrap: Path, onboarder: Path, sam: Path, ministack: Path, moto: Path, checkov: Path, wanted: list[str]) -> int:
    # An end by SIGTERM unwinds like any other, so that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    report = Report()
    with tempfile.TemporaryDirectory(prefix="aws-") as name:
        place = Path(name)
        project = Project(place / "project", bootstrap)
        if "lint" in wanted:
            lint.check(report, project, sam, checkov, place)
            documented.check(report)
        if {"deploy", "planted"} & set(wanted):
            with Simulator(onboarder, place / "simulator") as simulator, Account(place / "account", ministack, simulator) as account:
                if "deploy" in wanted:
                    parameters.check(report, project, account)
                    deployed(report, project, account, simulator, sam)
                if "planted" in wanted:
                    planted.check(report, project, account)
        if "moto" in wanted:
            with Simulator(onboarder, place / "simulator-of-moto") as simulator:
                buckets.check(report, simulator)
                refusals.check(report, simulator, moto, project.bootstrap, place / "moto")
    print(report.sums())
    return 0 if report.failed == 0 else 1


def deployed(report: Report, project: Project, account: Account, simulator: Simulator, sam: Path) -> None:
    stack = None
    with report.check("sam deploy makes the stack"):
        stack = account.sam_deploy(sam, project, "ispm-onboarder", delivery.PARAMETERS)
    if stack is None:
        return
    with report.check("sam deploy again changes nothing"):
        equal(account.sam_deploy(sam, project, "ispm-onboarder", delivery.PARAMETERS).outputs, stack.outputs)
    for words, judge in JUDGES.items():
        with report.check(f"as deployed: {words}"):
            judge(stack)
    delivery.check(report, account, simulator, stack, project, sam)


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:7]), sys.argv[7].split(",")))
