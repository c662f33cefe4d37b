"""Parts that error messages have in common."""

from __future__ import annotations

from difflib import get_close_matches


def suggestion(word: str, options: list[str] | tuple[str, ...]) -> str:
    """End of an error message: the closest match, if there is one, and all options; empty where there are none."""
    close = get_close_matches(word, options, n=1, cutoff=0.5)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{hint} Allowed: {', '.join(options)}." if options else ""
