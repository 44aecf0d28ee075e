"""The fault simulator: the whole runtime under one simulated clock and one seed, through every fault it must survive.

Owns the public names. `simulate(Plan(seed=1, faults=tuple(FAULTS)))` returns a `Report`; the same plan gives the same
run, to the last byte of the journal. `acd simulate` is the same on the command line.

    exchange, account, people, mail the world, with an account of its own of what truly happened
    desk, orders, advice            what agents, supervisors and applications do on their screens
    line, life, process             one life of the engine's process: the real router on simulated threads and clocks
    disk, snapshotting              what survives a crash: real SQLite files, torn where a crash tore them
    faults, weather                 what goes wrong, and when
    auditor, hours, referee         the rules, and the verdict
    coverage                        what has been tried
    policies                        the contact centre, and what is drawn anew for every seed
    loop                            simulated time
    simulation, report              the order of a run, and what came of it
"""

from acd.testing.simulator.faults import CRASH_POINTS, FAULTS
from acd.testing.simulator.policies import POLICIES
from acd.testing.simulator.report import Plan, Report
from acd.testing.simulator.simulation import simulate

__all__ = ["CRASH_POINTS", "FAULTS", "POLICIES", "Plan", "Report", "simulate"]
