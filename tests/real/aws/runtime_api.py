"""Lambda's Runtime API, as far as a function sees it (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html)."""

import json
import queue
import re
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NEXT = "/2018-06-01/runtime/invocation/next"
ENDED = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")
TIMEOUT_SECONDS = 60
END_SECONDS = 10


class FunctionFailed(Exception):
    """The invocation ended with a function error; the text is its body."""


class Function:
    """`bootstrap` as a process, within `with`, and what hands it invocations."""

    def __init__(self, bootstrap: Path, folder: Path, environment: dict[str, str]):
        folder.mkdir(exist_ok=True)
        self._bootstrap, self._log, self._environment = bootstrap, folder / f"function-{uuid.uuid4()}.log", environment
        self._waiting: queue.Queue = queue.Queue()
        self._ended: queue.Queue = queue.Queue()

    def __enter__(self) -> "Function":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        environment = self._environment | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "ispm-onboarder",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        }
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen([self._bootstrap], stdout=log, stderr=log, env=environment)
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, payload: dict) -> dict:
        self._waiting.put((str(uuid.uuid4()), payload))
        try:
            kind, body = self._ended.get(timeout=TIMEOUT_SECONDS)
        except queue.Empty:
            raise RuntimeError(f"the function did not answer: {self._log.read_text(errors='replace')}") from None
        if kind == "error":
            raise FunctionFailed(body)
        return json.loads(body)

    def _handler(self):
        waiting, ended = self._waiting, self._ended

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != NEXT:
                    return self.send_error(404)
                identifier, payload = waiting.get()
                deadline = int((time.time() + TIMEOUT_SECONDS) * 1000)
                headers = {"Lambda-Runtime-Aws-Request-Id": identifier, "Lambda-Runtime-Deadline-Ms": str(deadline)}
                headers["Lambda-Runtime-Invoked-Function-Arn"] = "arn:aws:lambda:eu-central-1:000000000000:function:ispm-onboarder"
                return self._answer(200, json.dumps(payload).encode(), headers)

            def do_POST(self) -> None:
                body = read_body(self).decode()
                found = ENDED.fullmatch(self.path)
                ended.put((found[2] if found else "error", body))
                self._answer(202, b"{}", {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_) -> None:
                pass

        return Handler


def read_body(handler: BaseHTTPRequestHandler) -> bytes:
    """A request's body, whole or in chunks."""
    if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)
