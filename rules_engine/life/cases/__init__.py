"""Tests of policies: cases and laws, how they are judged, and what they cover."""
