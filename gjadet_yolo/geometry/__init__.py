"""Cameras and boxes: common ground of rendering, augmenting and measuring. Depends on NumPy only."""
