#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs in the booted system. Writes lines to the kernel's log, which the test reads from the serial console, and restarts.
set -u
say() { printf 'report: %s\n' "$*" >/dev/kmsg; }

# attempt NAME COMMAND...: reports how the command ends, and what it prints.
attempt() {
    name=$1
    shift
    output=$("$@" 2>&1)
    say "$name: status $?: $output"
}

udevadm settle
say "lockdown: $(cat /sys/kernel/security/lockdown)"
say "sig_enforce: $(cat /sys/module/module/parameters/sig_enforce)"
say "failed units: $(systemctl --failed --plain --no-legend | wc -l)"
cut -d ' ' -f 1 /proc/modules | while read -r module; do say "loaded: $module"; done

attempt modprobe modprobe wireguard
attempt sealed insmod "/usr/lib/modules/$(uname -r)/kernel/drivers/net/dummy.ko"
attempt unload rmmod dummy
for module in unsealed tampered other; do
    attempt "$module" insmod "/checks/$module.ko"
done
say "tainted: $(cat /proc/sys/kernel/tainted)"

/checks/modhash audit >/run/audit
say "audit: status $?"
while read -r line; do say "audit: $line"; done </run/audit
sync
systemctl reboot --force --force
