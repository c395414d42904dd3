"""The two ways input can be wrong, each with a message of one line that says what to do; and an end that is none."""


class InputError(Exception):
    """The command cannot start: a wrong argument, root, name or output folder. Commands exit with code 2."""


class SceneError(Exception):
    """One scene cannot be used. It is quarantined with this reason; the other scenes are built."""


class ShareDone(Exception):
    """Not a failure: this process has done its share, and others are still at theirs. Commands exit with code 0."""
