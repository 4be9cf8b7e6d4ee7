"""The words of the command line. A module here serves one family of verbs: `add_options(parser, verb)` declares their
flags, `main(arguments)` does the work and returns the exit code. No torch at the top of any: long work is a job's.

What a program may want goes to stdout, everything that is said beside it to stderr.
"""
