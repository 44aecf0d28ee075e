"""Over which of its interfaces a PBX is controlled: ARI, or AMI in its place.

Owns the choice. Must not know what is asked for over it.
"""

from acd_asterisk.ami_only import AmiClient
from acd_asterisk.ari import AriClient
from acd_asterisk.names import Names
from acd_asterisk.options import Options


def open_client(options: Options, names: Names) -> AriClient:
    """ARI's client, or what stands in its place where there is none. Nothing is asked yet."""
    deadline_seconds = options.rest_deadline_us / 1e6
    if options.control == "ami" and options.ami is not None:
        return AmiClient(names, options.app, options.music_class, options.ami, deadline_seconds=deadline_seconds)
    return AriClient(options.url, connections=options.connections, deadline_seconds=deadline_seconds)
