"""Moves messages: journal, lanes, settling, schedule, retry, replay, delivery."""
