"""From a video to curves: read, localise, track, group into bodies, scale, differentiate, each with its uncertainty."""
