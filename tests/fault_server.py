"""A web server on this machine that misbehaves as told, to test downloads with."""

import contextlib
import http.server
import re
import threading


class FaultServer(http.server.ThreadingHTTPServer):
    """Serves `files` (path: bytes) with range requests, like most servers; each request uses up one
    fault while there are any.

    A fault is an int, the status of the answer, or a pair:
    - ("cut", n): the connection ends after n bytes of the file
    - ("stall", n): nothing comes after n bytes of the file, until the server is closed or `go` is
      set
    - ("wrong", n): byte n of the file is changed
    - ("shift", n): the answer starts n bytes before the requested range, and says so
    - ("close", n): as cut, but the length was not announced, so that the file looks complete

    `versions` is a prefix of the file's ETag ("W/" makes it a weak one); with None there is none.
    `asked` lists path and Range header of each request. `reached` is set when a request arrives,
    `held` when an answer stalls.
    """

    daemon_threads = True

    def __init__(self, files, faults=(), ranges=True, versions=""):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.faults, self.ranges, self.versions = files, list(faults), ranges, versions
        self.asked, self.reached, self.held, self.go = (
            [],
            threading.Event(),
            threading.Event(),
            threading.Event(),
        )
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(files, faults=(), **how):
    """A running FaultServer."""
    server = FaultServer(files, faults, **how)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.go.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, path = self.server, self.path
        server.asked.append((path, self.headers.get("Range")))
        server.reached.set()
        fault = server.faults.pop(0) if server.faults else None
        if isinstance(fault, int) or path not in server.files:
            self.send_error(fault if isinstance(fault, int) else 404)
            return
        with contextlib.suppress(ConnectionError):  # the other side was killed
            self._send(server.files[path], *(fault or (None, None)))

    def _send(self, content, kind, n):
        if kind == "wrong":
            content = content[:n] + bytes([content[n] ^ 255]) + content[n + 1 :]
        version = f'{self.server.versions}"{len(content)}-{hash(self.server.files[self.path])}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        first = (
            int(wanted[1])
            if wanted and self.server.ranges and self.headers.get("If-Range") in (None, version)
            else 0
        )
        first -= n if first and kind == "shift" else 0
        if first and first >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        if self.server.versions is not None:
            self.send_header("ETag", version)
        if kind != "close":
            self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        self.wfile.write(
            content[first : max(first, n)] if kind in ("cut", "stall", "close") else content[first:]
        )
        if kind == "stall":
            self.server.held.set()
            self.server.go.wait(600)

    def log_message(self, *_):
        pass
