# SPDX-License-Identifier: Apache-2.0
"""The boot matrix: how a kernel handles each kind of module, under each policy."""

load("//rules:defs.bzl", "kernel_boot_test", "load_attempt")

visibility("//...")

# Policies, and their parameters on the kernel's command line.
POLICIES = {
    "enforce": "module.sig_enforce=1",
    "lockdown": "lockdown=integrity",
    "permissive": "",
}

_LOCKDOWN = "unsigned module loading is restricted; see man kernel_lockdown.7"

# Messages of the loader if module.sig_enforce is set, by the reason to reject a module.
REASONS = {
    "unavailable key": "Loading of module with unavailable key is rejected",
    "unknown hash": "Loading of module with unknown hash is rejected",
    "unsigned": "Loading of unsigned module is rejected",
    "unsupported crypto": "Loading of module with unsupported crypto is rejected",
    "unsupported proof": "Loading of module with unsupported hash proof is rejected",
}

# Kinds of tampered_modules, and the reasons to reject them.
TAMPERED = {
    "first_sibling": "unknown hash",
    "position": "unknown hash",
    "unsealed": "unsigned",
}

# The kernel logs this for the first such module, once per boot.
_TAINTING = "module verification failed: signature and/or required key missing - tainting kernel"

_REFUSALS = list(REASONS.values()) + [_LOCKDOWN, _TAINTING]

def good(name, module, taint = "", **kwargs):
    """A module that loads under each policy, without a message of the loader.

    Args:
      name: string, a description.
      module: string, as in load_attempt.
      taint: string, as in load_attempt.
      **kwargs: further arguments of load_attempt.

    Returns:
      function of a policy's name and of what has been tried before, which returns load_attempts.
    """
    return lambda _policy, _seen: [load_attempt(name = name, module = module, no_log = _REFUSALS, taint = taint, **kwargs)]

def malformed(name, module):
    """A module with a malformed trailer, which the kernel rejects under each policy.

    Args:
      name: string, a description.
      module: string, as in load_attempt.

    Returns:
      function, as for good.
    """
    return lambda _policy, _seen: [load_attempt(name = name, module = module, no_log = _REFUSALS, result = "EBADMSG")]

def bad(name, module, reason, permissive = "ok", taint = "E", **kwargs):
    """A module that loads only under the permissive policy, and that taints the kernel.

    Args:
      name: string, a description.
      module: string, as in load_attempt.
      reason: string, one of REASONS.
      permissive: string, result under the permissive policy. Not `ok` if the loader strips bytes as a
        trailer, so that the rest is not a valid ELF file.
      taint: string, the letters if it loads.
      **kwargs: further arguments of load_attempt.

    Returns:
      function, as for good.
    """

    def attempts(policy, seen):
        if policy == "enforce":
            return [load_attempt(name = name, log = [REASONS[reason]], module = module, result = "EKEYREJECTED", **kwargs)]

        if policy == "permissive" and permissive != "ok":
            return [load_attempt(name = name, module = module, result = permissive, **kwargs)]

        # The kernel logs the message once per boot, or rate-limits it: the first module of a kind has a new boot.
        first = reason not in seen
        seen[reason] = None
        if policy == "lockdown":
            log = [_LOCKDOWN] if first else []
            return [load_attempt(name = name, fresh = first, log = log, module = module, result = "EPERM", **kwargs)]
        log = [_TAINTING] if first else []
        return [load_attempt(name = name, fresh = first, log = log, module = module, taint = taint, **kwargs)]

    return attempts

def tampered_attempts():
    """The core of the boot matrix: modules that the kernel rejects, tampered with in the ways of TAMPERED.

    Returns:
      list of strings, for `attempts`.
    """
    return [
        load_attempt(
            name = kind,
            log = [REASONS[reason]],
            module = "/tampered/%s.ko" % kind,
            result = "EKEYREJECTED",
        )
        for kind, reason in TAMPERED.items()
    ]

def boot_matrix(name, cases, **kwargs):
    """A boot test of the cases under each policy, named NAME_POLICY_test, and a suite of them all.

    Args:
      name: string.
      cases: list of the values that good, malformed and bad return.
      **kwargs: attributes of kernel_boot_test.
    """
    for policy, cmdline in POLICIES.items():
        seen = {}
        kernel_boot_test(
            name = "%s_%s_test" % (name, policy),
            size = "medium",
            attempts = [attempt for case in cases for attempt in case(policy, seen)],
            cmdline = cmdline,
            **kwargs
        )
    native.test_suite(
        name = name,
        tests = ["%s_%s_test" % (name, policy) for policy in POLICIES],
    )
