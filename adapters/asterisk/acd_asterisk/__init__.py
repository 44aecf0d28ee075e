"""The Asterisk adapter: calls of a PBX become interactions, over ARI. The entry point is `plugin.open_channel`."""
