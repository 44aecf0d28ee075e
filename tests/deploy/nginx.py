"""A real nginx in front of acd, with the settings of deploy/nginx/acd.conf.

Owns how it is configured and started. Must not know what is asked through it.
"""

import os
import subprocess
from pathlib import Path
from typing import Final

from acd_asterisk.lab import LabUnavailable
from bench.provision import nginx_program
from tests.api.test_server import self_signed
from tests.missing import missing_tool

CONF: Final = Path(__file__).parents[2] / "deploy" / "nginx" / "acd.conf"
POLL_SECONDS: Final = 0.05
PATIENCE_SECONDS: Final = 20.0
AROUND: Final = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {ours}
}}
"""


def started(folder: Path, upstream: str, port: int) -> "tuple[subprocess.Popen[bytes], Path]":
    """The process, which is to be ended, and the certificate that it shows at this port; `upstream`: where acd is."""
    try:
        program = nginx_program()
    except LabUnavailable as reason:
        missing_tool(f"nginx: {reason}")
    certificate, key = self_signed(folder)
    ours = CONF.read_text()
    for written, here in (
        ("unix:/run/acd/api.sock", upstream),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/letsencrypt/live/acd.example.com/fullchain.pem", str(certificate)),
        ("/etc/letsencrypt/live/acd.example.com/privkey.pem", str(key)),
    ):
        assert written in ours
        ours = ours.replace(written, here)
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(user + AROUND.format(folder=folder, ours=ours))
    command = [str(program.folder / "nginx"), "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    return subprocess.Popen(command, env=program.environment()), certificate
