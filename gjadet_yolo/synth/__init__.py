"""Rendered crash scenes with exact truth: pictures with boxes, videos with kinematics."""
