"""Asks azure-cli for help on every command that the project tells people to type: it and its options must be there."""

import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROJECT = Path(__file__).parents[3]
PLACES = ("*.md", "docs/*.md", "infra/**/*.md", "infra/**/*.tf", "infra/**/*.kql", "src/**/*.rs")

# Commands of extensions, which az asks to install at their first use. A file that has one says how it is installed.
EXTENSIONS = {"monitor log-analytics query": "log-analytics"}

# What can be typed begins a line, or a piece of code or a string, or comes after another command.
COMMAND = re.compile(r"(?:^\W*|[`\"(]|&& |: |; |\$ )az ((?:[a-z][a-z0-9-]* ?)+)", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z])(?![\w-])")
# A command may go on in the next line, or end before the next one.
CONTINUED = re.compile(r"\\\n\s*|\",\n\s*\"")
END = re.compile(r"[`\n)]| (?:&&|\||;) |\. |, and |\baz ")


def commands() -> dict[str, set[tuple[str, str]]]:
    """The options that are given to each command, with the file that gives them."""
    found: dict[str, set[tuple[str, str]]] = {}
    for file in sorted({file for place in PLACES for file in PROJECT.glob(place)}):
        text = CONTINUED.sub(" ", file.read_text())
        for begin in COMMAND.finditer(text):
            options = OPTION.findall(END.split(text[begin.end() :], maxsplit=1)[0])
            if options:
                name = str(file.relative_to(PROJECT))
                found.setdefault(begin[1].strip(), set()).update((option, name) for option in options)
    return found


def check(report, az: Path) -> None:
    found = sorted(commands().items())
    with report.check("commands of az are found"):
        assert len(found) > 10, f"only {found}"
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        # Without the dynamic installation of extensions, a command of one is as unknown as to somebody who begins.
        settings = {"AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "0", "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no"}

        def help_on(words: str) -> subprocess.CompletedProcess:
            return subprocess.run([az, *words.split(), "--help"], env=os.environ | settings, capture_output=True, text=True)

        of_az = [(words, options) for words, options in found if words not in EXTENSIONS]
        for (words, options), answer in zip(of_az, pool.map(help_on, [words for words, _ in of_az])):
            with report.check(f"az {words}: the command and its options are there"):
                assert answer.returncode == 0, f"{answer.stderr.strip()} in {sorted({file for _, file in options})}"
                known = set(OPTION.findall(answer.stdout))
                unknown = sorted((option, file) for option, file in options if option not in known)
                assert not unknown, f"{unknown}"
    for words, extension in EXTENSIONS.items():
        with report.check(f"az {words}: its extension is named where it is"):
            for file in {file for command, options in found if command == words for _, file in options}:
                assert f"az extension add --name {extension}" in (PROJECT / file).read_text(), file
