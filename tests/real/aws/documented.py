"""Compares each `aws` command that the project tells people to type with AWS's own models of its services."""

import re
from pathlib import Path

import boto3
from botocore import xform_name

from report import Report
from template import PROJECT

PLACES = ("*.md", "docs/*.md", "infra/aws/*.yaml", "src/**/*.rs")
# What can be typed begins a line, or a piece of code or a string, or comes after another command.
COMMAND = re.compile(r"(?:^\W*|[`\"(]|\| +|: )aws ([a-z][a-z0-9-]*) ([a-z][a-z0-9-]*)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)(?![\w-])")
CONTINUED = re.compile(r"\\\n\s*|\",\n\s*\"")
END = re.compile(r"[`\n;]| \| |\. |, and |\b(?:aws|az) (?=[a-z])")
# Options of the command line itself (https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-options.html, cli-usage-parameters).
OF_ALL = {"query", "output", "region", "profile", "cli-binary-format", "endpoint-url"}
# What it offers for answers of many pages (https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-pagination.html).
OF_PAGES = {"max-items", "page-size", "starting-token"}
# Commands that the command line brings itself (https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html, configure/get.html,
# s3/cp.html).
OF_COMMAND_LINE = {
    ("logs", "tail"): {"since", "follow", "format", "filter-pattern"},
    ("configure", "get"): set(),
    ("s3", "cp"): set(),
}
# S3's own calls have another name there, since `s3` is the command line's.
SERVICES = {"s3api": "s3"}


def commands() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """The options that are given to each command, with the file that gives them."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for file in sorted({file for place in PLACES for file in PROJECT.glob(place)}):
        text = CONTINUED.sub(" ", file.read_text())
        for begin in COMMAND.finditer(text):
            options = OPTION.findall(END.split(text[begin.end() :], maxsplit=1)[0])
            found.setdefault((begin[1], begin[2]), set()).update((option, name_of(file)) for option in options)
    return found


def name_of(file: Path) -> str:
    return str(file.relative_to(PROJECT))


def check(report: Report) -> None:
    found = sorted(commands().items())
    with report.check("commands of aws are found"):
        assert len(found) > 10, f"only {[command for command, _ in found]}"
    for command, options in found:
        with report.check(f"aws {' '.join(command)}: the command and its options are there"):
            known = OF_COMMAND_LINE[command] if command in OF_COMMAND_LINE else of_model(*command)
            unknown = sorted((option, file) for option, file in options if option not in known | OF_ALL)
            assert not unknown, f"{unknown}"


def of_model(service: str, operation: str) -> set[str]:
    """The members of an operation's request, as options, and those for its pages."""
    keys = {"region_name": "eu-central-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client(SERVICES.get(service, service), **keys)
    model = client.meta.service_model
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"{service} has no operation {operation}"
    shape = model.operation_model(names[operation]).input_shape
    members = {xform_name(member, "-") for member in (shape.members if shape else {})}
    return members | OF_PAGES if client.can_paginate(xform_name(names[operation])) else members
