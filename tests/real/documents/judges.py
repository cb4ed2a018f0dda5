"""The checks. Started by run.py in the validators' virtual environment."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from openapi_spec_validator import validate

PROJECT = Path(__file__).resolve().parents[3]
SCHEMAS = PROJECT / "docs" / "schemas"
# A block of JSON, with the comment in front of it that names its schema.
EXAMPLE = re.compile(r"^(?:<!-- schema: (?P<schema>\S+) -->\n)?```json\n(?P<text>.*?)\n```$", re.MULTILINE | re.DOTALL)
# Files that are examples too.
PROFILES = [PROJECT / "src" / "ispm" / "profiles", PROJECT / "tests" / "connect" / "profiles"]


class Report:
    passed = failed = 0

    def check(self, name: str, act: Callable[[], None]) -> None:
        """Counts a check, which fails by raising."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever a validator raises is its verdict
            self.failed += 1
            print(f"FAIL {name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}")
        else:
            self.passed += 1
            print(f"ok   {name}")


def read(path: Path):
    return json.loads(path.read_text())


def schemas() -> dict[str, Draft202012Validator]:
    files = sorted(SCHEMAS.glob("*.schema.json"))
    checker = Draft202012Validator.FORMAT_CHECKER
    return {file.name.removesuffix(".schema.json"): Draft202012Validator(read(file), format_checker=checker) for file in files}


def examples() -> list[tuple[str, str | None, str]]:
    """Each JSON block of the documents: where it is, the schema it is an example of, its text."""
    found = []
    for page in sorted((PROJECT / "docs").glob("*.md")):
        text = page.read_text()
        for block in EXAMPLE.finditer(text):
            line = text.count("\n", 0, block.start("text")) + 1
            found.append((f"docs/{page.name}:{line}", block["schema"], block["text"]))
    return found


def check_comments(report: Report) -> None:
    """A comment that stands a line too high would leave its example unchecked."""
    for page in sorted((PROJECT / "docs").glob("*.md")):
        text = page.read_text()
        named = sum(1 for block in EXAMPLE.finditer(text) if block["schema"])
        whole = named == text.count("<!-- schema:")
        report.check(f"docs/{page.name} has a JSON block behind each schema it names", lambda: expect(whole, "not behind all"))


def check_valid(validator: Draft202012Validator, example) -> None:
    error = best_match(validator.iter_errors(example))
    expect(error is None, error and f"{error.json_path}: {error.message}")


def check_schemas(report: Report, validators: dict, shown: dict[str, list]) -> None:
    for name, validator in validators.items():
        report.check(f"{name} is a schema", lambda: validator.check_schema(validator.schema))
        report.check(f"{name} has an example in the documents", lambda: expect(shown.get(name), "there is none"))
        report.check(f"{name} refuses examples without a required member", lambda: check_refusals(validator, shown[name]))


def check_refusals(validator: Draft202012Validator, shown: list) -> None:
    """A schema that takes everything would pass all other checks."""
    for example in shown:
        for member in validator.schema["required"]:
            less = {name: value for name, value in example.items() if name != member}
            expect(not validator.is_valid(less), f"an example is taken without {member}")


def check_examples(report: Report, validators: dict) -> dict[str, list]:
    """Checks each example, and returns those of each schema."""
    shown: dict[str, list] = {}
    for place, name, text in examples():
        if name is None:
            report.check(f"{place} is JSON", lambda: json.loads(text))
        else:
            report.check(f"{place} is valid: {name}", lambda: check_valid(validators[name], json.loads(text)))
            shown.setdefault(name, []).append(json.loads(text))
    for file in sorted(file for folder in PROFILES for file in folder.glob("*.json")):
        report.check(f"{file.relative_to(PROJECT)} is valid: connect-profile", lambda: check_valid(validators["connect-profile"], read(file)))
    return shown


def check_kinds(report: Report, validators: dict, shown: dict[str, list]) -> None:
    kinds = {kind["const"] for kind in validators["result-event"].schema["$defs"]["Kind"]["oneOf"]}
    seen = {event["type"] for event in shown.get("result-event", [])}
    report.check("each type of result has an example", lambda: expect(kinds == seen, f"without: {sorted(kinds - seen)}"))
    messages = read(SCHEMAS / "asyncapi.json")["channels"]["results"]["messages"]
    named = {message["name"] for message in messages.values()}
    report.check("each type of result is in the AsyncAPI document", lambda: expect(kinds == named, f"not: {sorted(kinds ^ named)}"))


def check_references(document, folder: Path, part=None) -> None:
    """Follows each $ref: into the document itself, or to a file beside it."""
    part = document if part is None else part
    for value in part.values() if isinstance(part, dict) else part:
        if isinstance(value, (dict, list)):
            check_references(document, folder, value)
    if isinstance(part, dict) and isinstance(part.get("$ref"), str):
        file, _, pointer = part["$ref"].partition("#")
        target = read(folder / file) if file else document
        for step in filter(None, pointer.split("/")):
            target = target[step.replace("~1", "/").replace("~0", "~")]


def check_api_documents(report: Report) -> None:
    for name in ("connect-api.openapi.json", "ops-api.openapi.json"):
        report.check(f"{name} is an OpenAPI document", lambda: validate(read(SCHEMAS / name)))
    asyncapi = read(SCHEMAS / "asyncapi.json")
    report.check("asyncapi.json is of AsyncAPI 3.0.0", lambda: expect(asyncapi["asyncapi"] == "3.0.0", asyncapi["asyncapi"]))
    report.check("the references of asyncapi.json lead somewhere", lambda: check_references(asyncapi, SCHEMAS))


def expect(condition, words: str) -> None:
    if not condition:
        raise ValueError(words)


def main() -> int:
    report = Report()
    validators = schemas()
    check_comments(report)
    shown = check_examples(report, validators)
    check_schemas(report, validators, shown)
    check_kinds(report, validators, shown)
    check_api_documents(report)
    print(f"{report.passed} passed, {report.failed} failed")
    return 0 if report.failed == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
