"""`python -m acd_asterisk.lab provision | run | versions`.

Owns: the command line of the lab. Must not know: how any of it is done.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from acd_asterisk.lab import LabAgent, LabUnavailable, NoFreePorts, Pbx, PbxFailed, Provisioned, provision
from acd_asterisk.lab._recipes import RECIPES


def main(arguments: list[str] | None = None) -> int:
    """Run one command; gives the exit status (2: the lab cannot be had here)."""
    options = _parser().parse_args(arguments)
    try:
        provisioned = provision(options.cache, version=options.version)
        match options.command:
            case "provision":
                _say(f"Asterisk {provisioned.asterisk_version} in {provisioned.root}")
            case "versions":
                _say(f"asterisk {provisioned.asterisk_version}\nsipp {provisioned.sipp_version}")
            case _:
                agents = [LabAgent(name, "127.0.0.1", options.telephone_port) for name in options.agent]
                asyncio.run(_run(provisioned, agents, options.folder))
    except (LabUnavailable, NoFreePorts) as reason:
        print(f"The lab cannot be had on this machine: {reason}", file=sys.stderr)  # noqa: T201 - a command line
        return 2
    except PbxFailed as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - a command line
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m acd_asterisk.lab", description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, help="where Asterisk is unpacked (default: ACD_LAB_CACHE or .cache)")
    parser.add_argument("--version", choices=sorted(RECIPES), default="22", help="of Asterisk (default: 22)")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("provision", help="fetch and unpack Asterisk and SIPp, without root")
    commands.add_parser("versions", help="say which versions are used")
    run = commands.add_parser("run", help="start one PBX and keep it until ctrl-C")
    run.add_argument("--agent", action="append", default=[], help="an endpoint of this name; repeat for more")
    run.add_argument("--telephone-port", type=int, default=5070, help="UDP port of the agents' telephones")
    run.add_argument("--folder", type=Path, help="keep the instance's files here (default: a temporary folder)")
    return parser


async def _run(provisioned: Provisioned, agents: list[LabAgent], folder: Path | None) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with Pbx(provisioned, agents=agents, folder=folder) as pbx:
        password = pbx.folder / "ari.password"
        password.touch(mode=0o600)
        password.write_text(pbx.ari_password + "\n")
        _say(
            f"Asterisk {provisioned.asterisk_version} is running as process {pbx.pid}\n"
            f"  ARI       {pbx.ari_url}\n"
            f"  user      {pbx.ari_user}\n"
            f"  password  in {password}\n"
            f"  AMI       127.0.0.1:{pbx.ami_port}\n"
            f"  SIP       udp 127.0.0.1:{pbx.sip_port}\n"
            f"  log       {pbx.folder / 'log' / 'messages.log'}\n"
            "For acd.toml:\n"
            "  [channels.pbx]\n"
            '  type = "asterisk"\n'
            f'  url = "{pbx.ari_url}"\n'
            f'  user = "{pbx.ari_user}"\n'
            f'  password_file = "{password}"\n'
            "Stop it with ctrl-C."
        )
        await stopped.wait()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command line


if __name__ == "__main__":
    sys.exit(main())
