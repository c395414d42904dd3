"""How much better a model does where a visual shortcut agrees with the truth than where it does not."""
