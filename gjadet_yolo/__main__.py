"""``python -m gjadet_yolo``: the same as the command ``gjadet``."""

import sys

from gjadet_yolo.cli.main import main

sys.exit(main())
