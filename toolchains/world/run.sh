#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# usage: run.sh WORLD CACHE RECIPE bazel BAZEL-ARGUMENTS... | --print | --enter [COMMAND...] | --image DIGEST
#        | --add-machines MACHINE...
#
# The part of ./bazelw that runs in the world, in the caller's directory.
set -euo pipefail
readonly world=$1 cache=$2 recipe=$3
shift 3
readonly manifest=/etc/rules_modhash/manifest.tsv
readonly sandbox=/usr/share/bazel/linux-sandbox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/go-1.26/bin
export RULES_MODHASH_WORLD=$world GOTOOLCHAIN=local
unset GOROOT JAVA_HOME BAZEL_REAL USE_BAZEL_VERSION

say() { echo "bazelw: $*" >&2; }
die() {
    say "error: $*"
    exit 1
}

registry_digest() {
    cat "$recipe"/registry/*.go "$recipe"/registry/*.txtar | sha256sum | cut -c 1-12
}
registry=$world/registry-$(registry_digest)

# workspace_module prints the path of the workspace's MODULE.bazel, if there is one.
workspace_module() {
    local directory=$PWD
    until [[ -e $directory/MODULE.bazel ]]; do
        [[ $directory == / ]] && return
        directory=$(dirname "$directory")
    done
    echo "$directory/MODULE.bazel"
}

# make_registry creates the offline registry, with each module version that this workspace requests.
make_registry() {
    local roots stamp
    mapfile -t roots < <({ workspace_module; echo "$recipe/../../MODULE.bazel"; } | sort -u)
    stamp=$registry/asked/$(cat "${roots[@]}" | sha256sum | cut -c 1-16)
    [[ -e $stamp ]] && return
    exec 8>"$world/registry.lock"
    flock 8
    if [[ ! -x $registry/registry ]]; then
        say "creating the offline registry of Bazel modules, once"
        (cd "$recipe/../.." && go build -trimpath -o "$registry/registry" ./toolchains/world/registry) ||
            die "compiling the program that creates the registry failed: see above"
    fi
    "$registry/registry" --out="$registry" --goroot=/usr/lib/go-1.26 --bazel-share=/usr/share/bazel "${roots[@]}" ||
        die "creating the offline registry failed: see above"
    mkdir -p "$registry/asked" && : >"$stamp"
    exec 8>&-
}

# assert_sandbox fails if linux-sandbox does not work: Bazel would use a weaker sandbox without a warning.
assert_sandbox() {
    local message
    mkdir -p "$cache/output"
    message=$("$sandbox" -W "$cache/output" -- /bin/true 2>&1) ||
        die "Bazel's linux-sandbox does not work here, and builds require it: $message." \
            "Next: allow user namespaces on this machine, or run as root"
}

# memory_sandboxes prints the flags that put sandboxes in memory, if there is enough: a kernel tree has
# 70,000 files, which take a minute to create on many file systems. In memory, creating a sandbox is as
# fast as reusing one, and Bazel would keep reusable sandboxes in memory after its server exits.
memory_sandboxes() {
    local free
    free=$(df --output=avail --block-size=1G /dev/shm 2>/dev/null | tail -n 1) || return 0
    if [[ -w /dev/shm && ${free:-0} -ge 8 ]]; then echo "build --sandbox_base=/dev/shm --noreuse_sandbox_directories"; fi
}

# bazelrc prints the flags that make Bazel use this world.
bazelrc() {
    cat <<EOF
# Written by bazelw.
startup --install_base=/usr/share/bazel --trust_install_base
startup --output_user_root=$cache/output
# A server stays in the world that it was started in: another world, another server.
startup --host_jvm_args=-Drules_modhash.world=$world
# Builds of many targets take an eighth less time with it than with Java's default, which keeps pauses short.
startup --host_jvm_args=-XX:+UseParallelGC
common --noenable_workspace
common --registry=file://$registry/registry.d
common --lockfile_mode=off
common --repository_cache=$cache/repository
common --repo_env=RULES_MODHASH_WORLD=$world
# Nothing here is Java: do not start it to ask for its version, in each new server and after each clean.
common --repo_env=JAVA_HOME=/nonexistent
build --disk_cache=$cache/disk
build --experimental_disk_cache_gc_max_size=20G
# The cross linkers are part of the world: no test may pass over their absence.
test --test_env=MODHASH_REQUIRE_LINKERS=1
EOF
    memory_sandboxes
}

write_bazelrc() {
    [[ -e $world/bazelrc && $(<"$world/bazelrc") == "$(bazelrc)" ]] && return
    bazelrc >"$world/bazelrc.$$"
    mv "$world/bazelrc.$$" "$world/bazelrc"
}

print_world() {
    echo "world:         $world ($(du -shx "$world" | cut -f 1))"
    echo "outputs:       $cache/output"
    echo "disk cache:    $cache/disk"
    echo "store:         $cache/store"
    echo "registry:      $registry/registry.d"
    echo "manifest:      $world/root$manifest (sha256 $(sha256sum $manifest | cut -d ' ' -f 1))"
    awk -F '\t' '
        $1 == "note" { printf "%-15s%s\n", $2 ":", $3 }
        $1 == "package" { packages++ }
        $1 == "package" && $2 ~ /^(bazel-bootstrap|golang-1.26-go|protobuf-compiler|gcc-[0-9]+|clang-[0-9]+|binutils|make|dwarves|kmod|qemu-system-x86)$/ {
            printf "%-15s%s (sha256 %s)\n", "package:", $2 " " $3, $5
        }
        $1 == "archive" { printf "%-15s%s (%s%s, sha256 %s)\n", "archive:", $2 " " $3, $6, $8 ? ", " $8 : "", $5 }
        END { printf "%-15s%d, all in the manifest\n", "packages:", packages }' $manifest
}

# write_image DIGEST writes this world to the standard output as an OCI image archive. The world at its own path has none of
# the directories that enter.sh mounts.
write_image() {
    (cd "$recipe/../.." && go build -trimpath -o "$world/image" ./toolchains/world/image) ||
        die "compiling the program that writes the image failed: see above"
    exec "$world/image" --root="$world/root" --scratch="$world" --recipe="$1" --path="$PATH"
}

case $1 in
    --image) write_image "$2" ;;
    --print) print_world ;;
    --add-machines) exec /bin/bash "$recipe/add_machines.sh" "${@:2}" ;;
    --enter)
        shift
        [[ $# != 0 ]] || set -- /bin/bash
        exec "$@"
        ;;
    bazel)
        shift
        assert_sandbox
        make_registry
        write_bazelrc
        exec bazel --bazelrc="$world/bazelrc" "$@"
        ;;
esac
