"""What rendered pictures hold unless told otherwise; without imports, so that the command line can state it."""

PER_IMAGE = {"point": 36.0, "bogie": 0.15, "wheel": 0.35, "absorber": 0.2, "rw": 0.15}
"""Mean number of objects of each class in a picture; `point` is one to two orders of magnitude above the others."""

SHARES = {"rig": 0.35, "train": 0.35, "closeup": 0.3}
"""Share of each kind of scene."""
