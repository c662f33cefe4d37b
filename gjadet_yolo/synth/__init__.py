"""Rendered crash scenes with exact truth: pictures with boxes, videos with kinematics.

Imports go one way: ``world`` (geometry and motion) <- ``scenes`` (what stands where) and ``paint`` (pixels and what is
visible) <- ``still``, ``video``, ``truth`` (one picture, one video, in memory) <- ``write`` (files). Nothing here needs
torch or the host.
"""
