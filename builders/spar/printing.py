"""How numbers are printed, as SPAR-7M prints them."""


def metres(value: float) -> str:
    """One decimal (also square metres).

    Example:
        >>> metres(2.449), metres(0.96), metres(-0.01)
        ('2.4', '1.0', '0.0')
    """
    return f"{value + 0.0 if abs(value) >= 0.05 else 0.0:.1f}"


def printed(lengths: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers that ``metres`` prints."""
    return tuple([float(metres(length)) for length in lengths])
