"""Carrying out a step: what its numbers mean in the world as it is.

What is reported is in ``reporting``, what people do in ``acting``, what happens to the machine, its channels
and its files in ``happening``; in ``plots`` are those that take several of these.
"""

from typing import TYPE_CHECKING

from simulation.acting import acts
from simulation.actions import Action
from simulation.happening import happens
from simulation.reporting import sends

if TYPE_CHECKING:
    from simulation.run import Simulation


def carry_out(world: "Simulation", action: Action) -> None:
    if not (sends(world, action) or acts(world, action)):
        happens(world, action)
