# SPDX-License-Identifier: Apache-2.0
"""Attempts with the example's kernel, and their expected results."""

load("@linux//:version.bzl", "VERSION")
load("//tests/boot:matrix.bzl", "bad", "good", "malformed")

visibility("//...")

# The module that tests tamper with.
DUMMY = "kernel/drivers/net/dummy.ko"

INSTALLED = "/lib/modules/%s/" % VERSION

COMPRESSED = "/zstd/lib/modules/%s/" % VERSION

KINDS = [
    "code",
    "end_lost",
    "first_sibling",
    "info_cut",
    "last_sibling",
    "length_file",
    "length_huge",
    "marker_only",
    "position",
    "position_high",
    "proof_empty",
    "proof_long",
    "proof_lost",
    "proof_short",
    "reserved",
    "twice",
    "unknown_type",
    "unsealed",
]

FILES = {
    ":compressed": "/zstd/",
    ":other_tree": "/other/",
    ":signed_by_other_key": "/signed/",
    ":signed_by_trusted_key": "/signed/",
    ":stripped": "/stripped.ko",
    ":tampered": "/tampered/",
    "//examples/kernel:modules_install": "/",
}

def _tampered(kind, reason, **kwargs):
    return bad("dummy: " + kind, "/tampered/%s.ko" % kind, reason, **kwargs)

CASES = [
    good("sealed module", INSTALLED + DUMMY),
    good("module from outside the tree, stripped before it was sealed", INSTALLED + "updates/hello.ko", taint = "O"),
    good("sealed module, passed to the kernel as a buffer", INSTALLED + DUMMY, via = "init_module"),
    good("modprobe with what ext4 needs", "ext4", loaded = ["crc16", "ext4", "jbd2", "mbcache"], via = "modprobe"),
    good("sealed module, compressed, decompressed by the kernel", COMPRESSED + DUMMY + ".zst", flags = ["compressed_file"]),
    good("module outside the tree, signed by the trusted key", "/signed/signed_by_trusted_key.ko", taint = "O"),
    bad("module outside the tree, signed by another key", "/signed/signed_by_other_key.ko", "unavailable key", taint = "EO"),
    bad("stripped after it was sealed", "/stripped.ko", "unsigned"),
    bad("sealed by another kernel's tree", "/other/" + DUMMY, "unknown hash"),
    bad("sealed module, loaded by force", INSTALLED + DUMMY, "unsigned", flags = ["ignore_vermagic"], taint = "EF"),
    _tampered("code", "unknown hash"),
    _tampered("first_sibling", "unknown hash"),
    _tampered("last_sibling", "unknown hash"),
    _tampered("position", "unknown hash"),
    _tampered("position_high", "unknown hash"),
    _tampered("twice", "unknown hash"),
    _tampered("proof_lost", "unknown hash", permissive = "ENOEXEC"),
    _tampered("proof_short", "unsupported proof"),
    _tampered("proof_long", "unsupported proof"),
    _tampered("proof_empty", "unsupported proof"),
    _tampered("unknown_type", "unsupported crypto"),
    _tampered("marker_only", "unsupported crypto"),
    _tampered("end_lost", "unsigned"),
    _tampered("unsealed", "unsigned"),
    malformed("sig_len larger than any file", "/tampered/length_huge.ko"),
    malformed("sig_len as large as the file", "/tampered/length_file.ko"),
    malformed("reserved bytes are not zero", "/tampered/reserved.ko"),
    malformed("less than a trailer", "/tampered/info_cut.ko"),
]
