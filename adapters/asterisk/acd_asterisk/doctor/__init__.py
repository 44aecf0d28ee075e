"""`acd doctor`: a connection to a PBX examined from end to end, with one sentence for every fault.

Owns nothing itself. `command` is what is called; `examination` says what is looked at, in which order; the other
modules look at one thing each. None of it is imported by a channel, and nothing here takes the engine's application
from anybody.
"""
