"""Packets and facts to viewers. Knows no frames."""
