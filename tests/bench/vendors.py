"""A local vendor with as little overhead as possible: nginx, or uvicorn without it."""

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ECHO = Path("/usr/lib/nginx/modules/ngx_http_echo_module.so")
LATENCY = 0.05

CONFIG = """
{load}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  client_max_body_size 10m;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  default_type application/json;
  server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 '{{"success":true}}'; }}
    {slow}
  }}
}}
"""
SLOW = """
    location /slow { echo_sleep 0.05; echo -n '{"success":true}'; }
    location /v1/batch { echo_read_request_body; echo -n '{"success":true}'; }
"""


@dataclass(frozen=True, slots=True)
class Vendor:
    """Where it answers at once, after 50 ms, and once it has read a batch; and what it is."""

    url: str
    name: str

    @property
    def slow(self) -> str:
        return f"{self.url}/slow"

    @property
    def segment(self) -> str:
        return f"{self.url}/v1"


@contextmanager
def vendor() -> Iterator[Vendor]:
    """Start one on a free port."""
    with tempfile.TemporaryDirectory() as name, socket.socket() as probe:
        folder = Path(name)
        # Some nginx run as another user.
        folder.chmod(0o777)
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        probe.close()
        what, command = _command(folder, port)
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                _await(port)
                yield Vendor(f"http://127.0.0.1:{port}", what)
            finally:
                process.terminate()


def _command(folder: Path, port: int) -> tuple[str, list[str]]:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if nginx and ECHO.exists():
        config = folder / "nginx.conf"
        load = f"load_module {ECHO};"
        config.write_text(CONFIG.format(load=load, folder=folder, port=port, slow=SLOW))
        return "nginx", [nginx, "-c", str(config), "-p", str(folder)]
    asgi = [sys.executable, "-m", "uvicorn", "--app-dir", str(Path(__file__).parent)]
    how = ["--port", str(port), "--log-level", "critical", "--no-access-log"]
    return "uvicorn, for want of nginx with its echo module", [*asgi, *how, "vendors:app"]


def _await(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("the vendor does not listen")


async def app(scope, receive, send):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Answer as nginx would."""
    import asyncio

    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"].startswith("/slow"):
        await asyncio.sleep(LATENCY)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"16")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"success":true}'})
