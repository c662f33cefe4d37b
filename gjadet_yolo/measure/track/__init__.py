"""Following markers through a video: detection now and then, prediction by groups, localisation in every frame."""

from gjadet_yolo.measure.track.follow import follow
from gjadet_yolo.measure.track.seams import Detector, Localiser, Templates, TrackSettings

__all__ = ["Detector", "Localiser", "Templates", "TrackSettings", "follow"]
