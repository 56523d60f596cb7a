"""What can go wrong, with the exit codes of ``mdecomplete restore``."""

from __future__ import annotations

import errno


class Failure(Exception):
    """Something that a user is told in one line."""

    exit_code = 1


class Usage(Failure):
    """The command is wrong."""

    exit_code = 2


class BadInput(Failure):
    """A file that the command names cannot be used."""

    exit_code = 3


class BadOutput(Failure):
    """The folder of the run cannot be written."""

    exit_code = 4


class Full(BadOutput):
    """There is no room left where the outputs go: everything else would fail too."""


class NoCluster(Failure):
    """The cluster cannot be reached."""

    exit_code = 5


class Lost(Exception):
    """Something died or was away while a clip was restored; another attempt may do it."""


class Refused(Exception):
    """This clip is not restored; the others are."""


def is_full(error: OSError) -> bool:
    """Whether there is no room left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
