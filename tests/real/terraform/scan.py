"""checkov over the copy of the modules. An exception stands in the .tf file, as `#checkov:skip=ID:reason`."""

import json
import subprocess
from pathlib import Path

from report import Report, equal

# Fewer letters could not say why a rule does not fit.
LEAST_REASON = 20


def check(report: Report, checkov: Path, infra: Path) -> None:
    command = [checkov, "--directory", infra, "--framework", "terraform", "--skip-download", "--output", "json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    passed, failed, skipped = [], [], []
    with report.check("checkov reads every file"):
        results = json.loads(ended.stdout)["results"]
        equal(results["parsing_errors"], [])
        passed, failed, skipped = (results[f"{kind}_checks"] for kind in ["passed", "failed", "skipped"])
    for one in failed:
        with report.check(f"checkov {one['check_id']} {one['resource']}"):
            raise AssertionError(f"{one['check_name']} ({one['file_path']}:{one['file_line_range'][0]})")
    for one in skipped:
        reason = one["check_result"]["suppress_comment"]
        with report.check(f"checkov {one['check_id']} {one['resource']} is left out: {reason}"):
            if len(reason) < LEAST_REASON:
                raise AssertionError("the comment gives no reason")
    with report.check(f"checkov passes {len(passed)} checks"):
        equal((len(failed), len(passed) > 0), (0, True))
