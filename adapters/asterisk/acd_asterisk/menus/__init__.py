"""Menus (IVR): what a caller hears and presses before the engine knows of them.

`plan` is what was configured, `visit` what one caller does in it, `service` the way to and from the PBX.
"""
