"""`linnet inspect RUN`: what a run's coefficients say, in the units that the features came in."""
