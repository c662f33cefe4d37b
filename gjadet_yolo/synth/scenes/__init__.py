"""The kinds of scene, built at random from bodies of ``world``; knows nothing of pixels.

Within the room: ``clutter`` <- ``builder`` <- ``closeup`` <- ``rig`` <- ``railcar`` <- ``compose``; a later scene may
borrow parts of an earlier one.
"""
