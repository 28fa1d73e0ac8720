"""Single flight: of equal requests one is asked at a time, the others take its answer."""

CLAIM_LOCK = 0x0CA1_0002
