# SPDX-License-Identifier: Apache-2.0
"""What tests need that run a Bazel of their own."""

visibility("//...")

# The child's Bazel fetches Go modules as the parent's did.
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

# A Bazel of its own works outside the sandbox, on the checkout as it is now.
TAGS = [
    "external",
    "local",
    "no-sandbox",
    "requires-network",
]
