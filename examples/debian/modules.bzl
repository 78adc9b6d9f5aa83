"""Modules of a kernel."""

MODULES = []
