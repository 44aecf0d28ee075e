"""External channels: a process of the user's own, in any language, on the other end of a WebSocket.

Owns the protocol that CHANNELS.md describes: its messages, and one connection. Must not know HTTP
(`acd.api.channels`), nor what becomes of a channel without a connection (`acd.runtime.external`).
"""
