# SPDX-License-Identifier: Apache-2.0
"""Attributes of tests that run Bazel."""

visibility("//...")

# The test's Bazel fetches Go modules with the settings of the parent.
ENVIRONMENT = [
    "GOFLAGS",
    "GONOSUMDB",
    "GOPATH",
    "GOPROXY",
    "GOSUMDB",
    "HOME",
    "SSL_CERT_FILE",
    "http_proxy",
    "https_proxy",
    "no_proxy",
]

# The test's Bazel runs outside the sandbox, on the current checkout.
TAGS = [
    "external",
    "local",
    "no-sandbox",
    "requires-network",
]
