"""The two ways input can be wrong, each with a message of one line that says what to do."""


class InputError(Exception):
    """The command cannot start: a wrong argument, root, name or output folder. Commands exit with code 2."""


class SceneError(Exception):
    """One scene cannot be used. It is quarantined with this reason; the other scenes are built."""
