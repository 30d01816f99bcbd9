"""The log of decisions, their replay, and a candidate that is evaluated in the shadow."""
