"""What everybody sends: 300 characters, about 460 bytes as a frame, as a stored row about the same."""

from __future__ import annotations

CONTENT = ("Checked the next candidate: profile matches, two open points, asking for a decision before contact. " * 3)[:300]
