"""Calls without ARI: what the adapter asks of ARI, carried out over AMI and a few lines of dialplan.

`AmiClient` stands in the place of `AriClient`; whatever is asked that cannot be done over AMI is answered so (501).
"""

from acd_asterisk.ami_only.client import AmiClient

__all__ = ["AmiClient"]
