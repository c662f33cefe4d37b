"""From a scene of ``world`` to pixels, and what is visible in them; knows nothing of how scenes are put together."""
