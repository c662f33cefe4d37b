"""Rendered crash scenes with exact truth. So far: motion, camera, target strips and truth files; no scenes yet."""
