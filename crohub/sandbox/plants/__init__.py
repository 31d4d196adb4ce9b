"""Disagreements planted for the checks of the hub to find, each beside a clean control."""
