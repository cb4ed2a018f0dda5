"""A relay before moto's server that can break events on their way, so that moto refuses them as EventBridge would."""

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from runtime_api import read_body

PUT_EVENTS = "AWSEvents.PutEvents"
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# These are of the connection, and not of the request.
OF_CONNECTION = {"connection", "content-length", "host", "transfer-encoding"}


class Relay:
    """A relay on 127.0.0.1, within `with`. While `breaking` is set, each event's detail loses its end."""

    def __init__(self, target: str):
        self._target, self.breaking = target, False

    def __enter__(self) -> "Relay":
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = read_body(self)
                if relay.breaking and self.headers.get("X-Amz-Target") == PUT_EVENTS:
                    body = broken(body)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_CONNECTION}
                request = urllib.request.Request(relay._target + self.path, body, headers, method="POST")
                try:
                    with DIRECT.open(request, timeout=30) as answer:
                        status, received, named = answer.status, answer.read(), answer.headers
                except urllib.error.HTTPError as error:
                    status, received, named = error.code, error.read(), error.headers
                self.send_response(status)
                for name, value in named.items():
                    if name.lower() not in OF_CONNECTION:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(received)))
                self.end_headers()
                self.wfile.write(received)

            def log_message(self, *_) -> None:
                pass

        return Handler


def broken(body: bytes) -> bytes:
    call = json.loads(body)
    for entry in call["Entries"]:
        entry["Detail"] = entry["Detail"][:-1]
    return json.dumps(call).encode()
