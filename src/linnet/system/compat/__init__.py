"""Private parts of other libraries that linnet uses, a module per library; each is imported when it is called."""
