"""What a crash scene consists of, in mm and s: bodies, targets, motion, pulses. Depends on ``geometry`` only."""
