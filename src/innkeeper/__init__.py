"""Innkeeper composes virtual machines on hypervisors within limits that hold."""

__version__ = "0.1.0"
