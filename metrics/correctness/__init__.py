"""Correctness of yes/no answers by the probability a model gives to the right one."""
