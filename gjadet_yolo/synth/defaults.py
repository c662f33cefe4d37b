"""What rendered pictures hold unless told otherwise; without imports, so that the command line can state it."""

PER_IMAGE = {"point": 36.0, "bogie": 0.15, "wheel": 0.35, "absorber": 0.2, "rw": 0.15}
"""Mean number of objects of each class in a picture; `point` is one to two orders of magnitude above the others."""

SHARES = {"rig": 0.35, "train": 0.35, "closeup": 0.3}
"""Share of each kind of scene."""

MIXES = {
    "tail": (PER_IMAGE, SHARES),
    "balanced": (
        {"point": 20.0, "bogie": 0.55, "wheel": 1.4, "absorber": 0.8, "rw": 0.5},
        {"rig": 0.36, "train": 0.24, "closeup": 0.1, "gear": 0.18, "empty": 0.12},
    ),
}
"""Objects per picture and shares of scenes by name: the long tail of Crash2024, and many large objects."""
