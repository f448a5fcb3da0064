"""Re-run a recorded run or experiment, and judge whether the result is the same.

>>> report = linnet.reproduction.run.reproduce_run("runs/digits/2026-01-31_12-00-00-000000")
>>> report.verdict, report.different
"""
