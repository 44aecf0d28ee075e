"""Webhooks: the stream of events, posted to configured addresses, signed, at least once and in order."""
