"""`acd doctor`: a connection to a PBX examined from end to end, with one sentence for every fault.

Owns nothing itself. `command` is what is called; `examination` says what is looked at, in which order; the other
modules look at one thing each; `asked` is what a channel lends to `acd check --connect`. Nothing here takes the
engine's application from anybody.
"""
