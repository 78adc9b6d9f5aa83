# SPDX-License-Identifier: Apache-2.0
"""The number of programs that an action runs at the same time, and the resources that it declares for them.

The argument `resource_set` must be a top-level function, which has no access to the target's attributes. So there is
one function for each number.
"""

visibility("//...")

# In MB, for each program: compiling a kernel source file rarely needs more.
_MEMORY = 1000

def _resources(jobs):
    return {"cpu": jobs, "memory": jobs * _MEMORY}

def _jobs_1(_os_name, _inputs):
    return _resources(1)

def _jobs_2(_os_name, _inputs):
    return _resources(2)

def _jobs_3(_os_name, _inputs):
    return _resources(3)

def _jobs_4(_os_name, _inputs):
    return _resources(4)

def _jobs_6(_os_name, _inputs):
    return _resources(6)

def _jobs_8(_os_name, _inputs):
    return _resources(8)

def _jobs_12(_os_name, _inputs):
    return _resources(12)

def _jobs_16(_os_name, _inputs):
    return _resources(16)

def _jobs_24(_os_name, _inputs):
    return _resources(24)

def _jobs_32(_os_name, _inputs):
    return _resources(32)

def _jobs_48(_os_name, _inputs):
    return _resources(48)

def _jobs_64(_os_name, _inputs):
    return _resources(64)

def _jobs_96(_os_name, _inputs):
    return _resources(96)

def _jobs_128(_os_name, _inputs):
    return _resources(128)

def _jobs_192(_os_name, _inputs):
    return _resources(192)

def _jobs_256(_os_name, _inputs):
    return _resources(256)

_RESOURCES = {
    1: _jobs_1,
    2: _jobs_2,
    3: _jobs_3,
    4: _jobs_4,
    6: _jobs_6,
    8: _jobs_8,
    12: _jobs_12,
    16: _jobs_16,
    24: _jobs_24,
    32: _jobs_32,
    48: _jobs_48,
    64: _jobs_64,
    96: _jobs_96,
    128: _jobs_128,
    192: _jobs_192,
    256: _jobs_256,
}

def resources_of(jobs):
    """The resources that an action with a number of jobs declares.

    Args:
      jobs: int, the value of `//rules:kernel_jobs`.

    Returns:
      A function for the argument `resource_set` of `ctx.actions.run`.
    """
    if jobs not in _RESOURCES:
        fail("--@rules_modhash//rules:kernel_jobs: got %d, want one of %s" % (jobs, ", ".join([str(n) for n in _RESOURCES])))
    return _RESOURCES[jobs]

# All valid numbers of jobs.
JOBS = _RESOURCES.keys()
