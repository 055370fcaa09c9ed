"""Open a page in Chromium and exit when the page says that it is done; no tests here.

Takes the browser, the bundled script of the page, the folder for the browser's profile, and what
stands behind the `?` of the page's address.
"""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_SECONDS = 100
_PAGE = b"""<!doctype html><title>Docs</title><script type="module" src="/page.js"></script>"""


def main() -> int:
    """Return 0 if the page came to its end in time."""
    browser, script, profile, query = sys.argv[1:]
    content = {
        "/": ("text/html", _PAGE),
        "/page.js": ("text/javascript", Path(script).read_bytes()),
    }
    done = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = content.get(self.path.partition("?")[0])
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", found[0] if found else "text/plain")
            self.end_headers()
            self.wfile.write(found[1] if found else b"")

        def do_POST(self) -> None:
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    capture = os.environ["SEGCLI_CAPTURE_URL"]
    url = f"http://localhost:{server.server_port}/?capture={capture}&{query}"
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"]
    with subprocess.Popen([*command, f"--user-data-dir={profile}", url]) as process:
        is_done = done.wait(_SECONDS)
        process.terminate()
    return 0 if is_done else 1


if __name__ == "__main__":
    sys.exit(main())
