// SPDX-License-Identifier: Apache-2.0
static const char info[] __attribute__((section(".modinfo"), used)) = "license=GPL";
