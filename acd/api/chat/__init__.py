"""The protocol of customers' pages: what is said and told (`messages`), and one connection (`session`).

`acd.api.chats` has the socket, CHAT.md the protocol.
"""
