"""`acd import-queues`: the queues of a PBX that runs app_queue become a configuration of this engine.

Owns nothing itself. `command` is what is called; `conf` reads files of Asterisk, `settings` and `members` say what
they come to, `report` what became of every line, `writing` makes the TOML. None of it is imported by a channel.
"""
