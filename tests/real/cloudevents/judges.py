"""Runs every check. Started by run.py in the virtual environment of the CloudEvents SDK for Python."""

import json
import signal
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cloudevents.core.bindings.http import HTTPMessage, from_structured_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "azure-clients"))

from report import Report, contains, equal  # noqa: E402
from simulator import Simulator  # noqa: E402

SNAPSHOTS = HERE.parent.parent / "scenarios" / "snapshots"
REQUESTED = "dev.ispm-onboarder.onboarding.requested.v1"
REQUIRED = ["id", "source", "specversion", "type"]
KINDS = {f"dev.ispm-onboarder.scope.{word}.v1" for word in ["onboarded", "pending", "blocked", "failed"]}
KINDS.add("dev.ispm-onboarder.tenant.failed.v1")
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}


class JavaScript:
    """The other SDK, in a process of its own for each call."""

    def __init__(self, modules: Path):
        self._modules = modules

    def __call__(self, act: str, given: list) -> str:
        command = ["node", HERE / "javascript.mjs", self._modules, act]
        done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout


def main(onboarder: Path, modules: Path) -> int:
    # An end by SIGTERM unwinds like any other, so that what was started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))
    report, javascript = Report(), JavaScript(modules)
    _published(report, javascript, _demo(onboarder) + _snapshots())
    with tempfile.TemporaryDirectory(prefix="cloudevents-") as name:
        with Simulator(onboarder, Path(name) / "simulator") as simulator:
            _taken_up(report, javascript, simulator, onboarder)
    print(report.sums())
    return 0 if report.failed == 0 else 1


def _demo(onboarder: Path) -> list[dict]:
    done = subprocess.run([onboarder, "demo", "--output", "json"], capture_output=True, check=True, timeout=60)
    return json.loads(done.stdout)["passes"][0]["results"]


def _snapshots() -> list[dict]:
    """The result events among the snapshots of the scenario tests: a header between two lines of dashes, then JSON."""
    texts = [path.read_text().split("\n---\n", 1)[1] for path in sorted(SNAPSHOTS.glob("*.snap"))]
    events = [json.loads(text) for text in texts if text.lstrip().startswith("{")]
    return [event for event in events if "specversion" in event]


def _published(report: Report, javascript: JavaScript, events: list[dict]) -> None:
    with report.check("there is an event of each kind to judge"):
        equal(KINDS - {event["type"] for event in events}, set())
    for event in events:
        with report.check(f"the SDK for Python reads {event['type']} {event['id']}"):
            read = from_structured_event(HTTPMessage(STRUCTURED, json.dumps(event).encode()))
            equal(read.get_data(), event["data"])
            equal(_timeless(json.loads(to_structured_event(read).body)), _timeless(event))
            equal(read.get_time(), datetime.fromisoformat(_in_microseconds(event["time"])))
    with report.check(f"the SDK for JavaScript reads {len(events)} events, one by one and in one batch"):
        read = json.loads(javascript("read", events))
        for way in ["single", "batch"]:
            equal([_timeless(event) for event in read[way]], [_timeless(event) for event in events])


def _taken_up(report: Report, javascript: JavaScript, simulator: Simulator, onboarder: Path) -> None:
    def invoke(body) -> tuple[int, list[dict], str]:
        command = [onboarder, "invoke", "-", "--output", "json"]
        environment = simulator.environment()
        done = subprocess.run(command, input=body, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, json.loads(done.stdout)["results"], done.stderr

    def onboards(bodies: list[str], ids: list[str]) -> None:
        code, results, words = invoke(bodies[0] if len(bodies) == 1 else f"[{','.join(bodies)}]")
        equal((code, [result["type"] for result in results], words if code else ""), (0, ["dev.ispm-onboarder.scope.onboarded.v1"] * len(ids), ""))
        equal([result["data"]["cause"]["id"] for result in results], ids)

    bodies = {}
    for sdk, write in [("Python", _by_python), ("JavaScript", lambda *given: _by_javascript(javascript, *given))]:
        for name, more, binary in _ways():
            with report.check(f"an event of the SDK for {sdk} is taken up: {name}"):
                attributes = {"id": f"{sdk} {name}", "source": "/pipelines/new", "type": REQUESTED} | more
                bodies[sdk, name] = write(attributes, _asked(simulator), binary)
                onboards([bodies[sdk, name]], [attributes["id"]])
        with report.check(f"a batch of the SDK for {sdk} is taken up"):
            names = [name for name, _, binary in _ways() if not binary]
            onboards([bodies[sdk, name] for name in names], [f"{sdk} {name}" for name in names])
        for attribute in REQUIRED:
            with report.check(f"an event of the SDK for {sdk} without {attribute} is refused by name"):
                event = json.loads(bodies[sdk, "plain"])
                del event[attribute]
                code, results, _ = invoke(json.dumps(event))
                equal((code, [result["data"]["code"] for result in results]), (1, ["invalid-event"]))
                contains(results[0]["data"]["message"].split(), attribute)


def _ways() -> list[tuple[str, dict, bool]]:
    """How an event can be written: the attributes beyond the required ones, and whether its data are bytes."""
    everything = {"subject": "a subscription", "datacontenttype": "application/json", "dataschema": "https://example.com/schema"}
    return [
        ("plain", {}, False),
        ("with every attribute and an extension", everything | {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01"}, False),
        ("with a time elsewhere", {"time": datetime.now(timezone(timedelta(hours=5, minutes=30)))}, False),
        ("with its data in base64", {"datacontenttype": "application/json"}, True),
    ]


def _asked(simulator: Simulator) -> dict:
    return {"tenantId": simulator.tenant, "scope": f"/subscriptions/{simulator.variables['SIMULATOR_SUBSCRIPTION_ID']}"}


def _by_python(attributes: dict, data: dict, binary: bool) -> str:
    content = json.dumps(data).encode() if binary else data
    return to_structured_event(CloudEvent(dict(attributes), content)).body.decode()


def _by_javascript(javascript: JavaScript, attributes: dict, data: dict, binary: bool) -> str:
    attributes = {name: value.isoformat() if name == "time" else value for name, value in attributes.items()}
    return javascript("write", [{"attributes": attributes, "data": data, "binary": binary}]).strip()


def _timeless(event: dict) -> dict:
    """Without the time, which each SDK writes in its own precision."""
    return {name: value for name, value in event.items() if name != "time"}


def _in_microseconds(time: str) -> str:
    """A time as Python can hold it."""
    seconds, _, fraction = time.removesuffix("Z").partition(".")
    return f"{seconds}.{fraction[:6].ljust(6, '0')}+00:00"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
