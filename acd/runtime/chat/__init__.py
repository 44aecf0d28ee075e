"""The web chat channel: conversations in writing with customers on web pages.

From the inside out: `conversation` (pure), `store` (the file), `keeping` (the file without blocking the loop),
`visitors` (who a page's customer is), `channel` (the engine's side of it all). CHAT.md has the protocol.
"""
