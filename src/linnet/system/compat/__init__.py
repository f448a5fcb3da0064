"""Private parts of other libraries that linnet uses or overrides. No other room names any (see tests/system/compat)."""
