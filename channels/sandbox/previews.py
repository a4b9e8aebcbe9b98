"""How a message looks: what a lock screen shows of it, how long a window stays open."""

from datetime import timedelta

PREVIEW_LINES = 2
PREVIEW_LETTERS = 70


def cut_preview(text: str) -> str:
    """The first two lines, at most 70 letters, as a stranger sees them without unlocking the phone."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = "\n".join(lines[:PREVIEW_LINES])
    if len(shown) > PREVIEW_LETTERS:
        return shown[: PREVIEW_LETTERS - 1].rstrip() + "…"
    return shown + ("…" if len(lines) > PREVIEW_LINES else "")


def say_left(left: timedelta) -> str:
    """`closes in 23 h 10 min`, or `closed`."""
    minutes = int(left.total_seconds()) // 60
    if left <= timedelta():
        return "closed"
    if minutes < 1:
        return "closes in less than a minute"
    return f"closes in {minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"closes in {minutes} min"
