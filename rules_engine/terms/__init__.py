"""The vocabulary: frozen records that carry data and know no rules."""
