"""Breaks the template, one fault at a time, and deploys it: the judge that is there for it has to notice."""

import re

from account import CODE_BUCKET, Account
from faults import FAULTS, Fault
from judgements import JUDGES
from report import Report
from template import Project

PARAMETERS = {"ResultsArchiveDays": "0"}
CODE = f"s3://{CODE_BUCKET}/aws.zip"


def check(report: Report, project: Project, account: Account) -> None:
    with report.check("without a fault every judge is content"):
        stack = account.deploy(project, project.text_for(CODE), "without-fault", PARAMETERS)
        for judge in JUDGES.values():
            judge(stack)
        stack.delete()
    for number, fault in enumerate(FAULTS):
        with report.check(f"planted: {fault.what}: noticed by {fault.judge!r}"):
            noticed(fault, project, account, f"fault-{number}")


def noticed(fault: Fault, project: Project, account: Account, name: str) -> None:
    text, planted = re.subn(fault.pattern, fault.replacement, project.text_for(CODE))
    if planted == 0:
        raise RuntimeError("this fault cannot be planted: the pattern is found nowhere")
    stack = account.deploy(project, text, name, PARAMETERS | fault.parameters)
    try:
        JUDGES[fault.judge](stack)
    except (AssertionError, ValueError):
        return
    finally:
        stack.delete()
    raise RuntimeError("nobody noticed")
