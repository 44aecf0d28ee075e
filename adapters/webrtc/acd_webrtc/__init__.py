"""Calls between a web page and an agent's browser, without a PBX: what they need beyond the browsers themselves.

`turn` gives short-lived credentials of a coturn and its configuration, `signalling` brings two browsers together,
`quality` says how well they hear each other. WEBRTC.md has examples.
"""
