"""Files of rendered sets: folders of pictures and videos, worker processes, the set that is made on first use.

The outermost room: it may import all of ``synth``, and nothing in ``synth`` imports it. ``first_use`` alone runs the
command line, in a process of its own.
"""
