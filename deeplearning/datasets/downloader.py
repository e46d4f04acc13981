"""A downloader for Pooch that resumes where a connection broke (HTTP range requests, RFC 9110,
section 14).
"""

import errno
import os
import shutil
import sys
import time
from collections import deque
from pathlib import Path

import requests
from tqdm import tqdm

CONNECT = 10  # seconds until a server must have answered
STALL = 30  # seconds within which at least something must arrive
ROUNDS = 4  # how often all URLs are tried in a row without anything new arriving
PAUSE = 1  # seconds after the first such round, doubled after each further one
CHUNK = 1 << 18  # bytes


class ResumingDownloader:
    """Fetches a file for Pooch. A partial download is kept next to the file, across calls, until it
    is complete.
    """

    def __init__(self, others=(), room=1.0, limit=1 << 30):
        """
        Inputs:
        - others: URLs of the same file, to try when the one that Pooch asks for fails
        - room: Free disk space needed, as a multiple of the file's size, the file included
        - limit: Maximum size in bytes; a larger file is refused
        """
        self.others = list(others)
        self.room = room
        self.limit = limit

    def __call__(self, url, output_file, pooch):
        """
        Inputs:
        - url: http or https URL
        - output_file: Path to write the file to; its folder holds `incoming` and `incoming.version`
          until then
        - pooch: The caller; not used

        Raises ConnectionError if the file can't be fetched from any URL, and OSError for a full
        disk.
        """
        incoming = Incoming(Path(output_file).parent / "incoming", self.room, self.limit)
        urls = deque([url, *self.others])
        in_vain = 0
        longest = incoming.size()
        while True:
            try:
                incoming.receive(urls[0])
                break
            except requests.RequestException as error:
                reason = f"{urls[0]}: {_reason(error)}"
                if _is_final(error):
                    urls.popleft()
                    if not urls:
                        raise ConnectionError(reason) from None
                    continue
            if incoming.size() > longest:
                longest = incoming.size()
                in_vain = 0
            else:
                in_vain += 1
                urls.rotate(-1)
            if in_vain >= ROUNDS * len(urls):
                raise ConnectionError(reason)
            rounds, rest = divmod(in_vain, len(urls))
            if rest == 0:
                pause = PAUSE * 2 ** max(rounds - 1, 0)
                print(f"{reason}; trying again in {pause:g} s", flush=True)
                time.sleep(pause)
        incoming.move(output_file)


class Incoming:
    """The part of a file received so far, and the server's name for its version."""

    def __init__(self, path, room, limit):
        self.path = path
        self.room = room
        self.limit = limit
        self.version = path.with_name(f"{path.name}.version")

    def size(self):
        return self.path.stat().st_size if self.path.exists() else 0

    def receive(self, url):
        """Ask a server for the missing part. Raises requests.RequestException unless the file is
        then complete.
        """
        headers = {"Accept-Encoding": "identity"}
        have = self.size()
        version = self.version.read_text(encoding="utf-8") if self.version.exists() else ""
        # If-Range: the rest if the server still has that version, otherwise the whole file
        if have and version:
            headers |= {"Range": f"bytes={have}-", "If-Range": version}
        with requests.get(url, headers=headers, stream=True, timeout=(CONNECT, STALL)) as response:
            offered = response.headers.get("Content-Range", "")
            if response.status_code == 416 and offered == f"bytes */{have}":
                return  # nothing is missing
            if (
                response.status_code == 416
                or response.status_code == 206
                and not offered.startswith(f"bytes {have}-")
            ):
                self.version.unlink(missing_ok=True)  # so that the next try asks for the whole file
                raise requests.RequestException(
                    f"the server offers {offered or 'another range'} after {have} bytes"
                )
            response.raise_for_status()
            resumed = response.status_code == 206
            length = response.headers.get("Content-Length", "")
            total = int(length) + (have if resumed else 0) if length.isdigit() else None
            self._check_room(total or 0)
            if not resumed:
                self.path.unlink(missing_ok=True)  # before another version is recorded
                self._note_version(response)
            self._write(response, total)

    def _note_version(self, response):
        version = response.headers.get("ETag", "")
        # a weak tag: equal in meaning, but perhaps not byte for byte
        if not version or version.startswith("W/"):
            version = response.headers.get("Last-Modified")
        if version:
            self.version.write_text(version, encoding="utf-8")
        else:
            self.version.unlink(missing_ok=True)

    def _write(self, response, total):
        """Append what the server sends."""
        with (
            open(self.path, "ab") as file,
            tqdm(
                initial=file.tell(),
                total=total,
                unit="B",
                unit_scale=True,
                unit_divisor=1024,
                file=sys.stdout,
            ) as bar,
        ):
            for chunk in response.iter_content(CHUNK):
                self._check_size(file.tell() + len(chunk))
                file.write(chunk)
                bar.update(len(chunk))
        if total is not None and self.size() != total:
            raise requests.ConnectionError(f"cut off after {self.size()} of {total} bytes")

    def _check_room(self, total):
        self._check_size(total)
        needed = int(total * self.room) - self.size()
        free = shutil.disk_usage(self.path.parent).free
        if needed > free:
            raise OSError(
                errno.ENOSPC,
                f"{needed / 2**20:.1f} MiB are needed, {free / 2**20:.1f} MiB are free",
            )

    def _check_size(self, size):
        if size > self.limit:
            raise requests.RequestException(
                f"the file has more than {self.limit >> 20} MiB, so it is the wrong one"
            )

    def move(self, path):
        os.replace(self.path, path)
        self.version.unlink(missing_ok=True)


def _is_final(error):
    """Whether a server will give the same answer again: for 404, but not for 429 or 503."""
    status = error.response.status_code if isinstance(error, requests.HTTPError) else 0
    return 400 <= status < 500 and status not in (408, 425, 429)


def _reason(error):
    """What went wrong, in a few words; requests' own errors mention pools, objects and retries."""
    if isinstance(error, requests.HTTPError):
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate is not accepted"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return (
            f"nothing came for {CONNECT if isinstance(error, requests.ConnectTimeout) else STALL} s"
        )
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection through the proxy"
    if isinstance(error, requests.ConnectionError) and "HTTPConnection" in str(error):
        return "no connection"
    if not isinstance(error.args[0] if error.args else None, str):  # a network error of Python's
        return "the connection broke"
    return str(error)
