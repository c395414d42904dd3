"""Bird's-eye position error of named objects."""
