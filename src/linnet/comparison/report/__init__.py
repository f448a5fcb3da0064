"""Reports: one self-contained HTML page about runs, that fetches nothing."""
