"""Whether a run finds what is declared, from any seed, and prints it as simply as can be."""
