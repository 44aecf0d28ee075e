"""The wallboard of `acd top`: a picture of queues and agents that is read once, and follows the stream of events."""
