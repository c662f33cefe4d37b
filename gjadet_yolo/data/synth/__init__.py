"""Rendered crash scenes with exact truth. So far: the motion of bodies."""
