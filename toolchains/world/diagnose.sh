# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Functions of ./bazelw, which sources this file: finds the cause in the log of a mmdebstrap that failed.

# what_failed LOG prints the part of a log after the last failure that provision.sh accepted.
what_failed() { awk '/^provision: no / { text = ""; next } { text = text $0 "\n" } END { printf "%s", text }' "$1"; }

# mirror_time LOG prints the time of the mirror in seconds since 1970, or fails. Caches report the age of a response.
mirror_time() {
    local release answer date age scheme options=(-o Acquire::Retries=0 -o APT::Sandbox::User=root)
    release=$(sed -n -E 's|.* (https?://[^ ]+) ([^ ]+) (In)?Release( .*)?$|\1/dists/\2/\3Release|p' "$1" | head -n 1)
    [[ $release ]] || return 1
    for scheme in http https; do
        options+=(-o "Debug::Acquire::$scheme=true" -o "Acquire::$scheme::No-Cache=true" -o "Acquire::$scheme::Timeout=20")
    done
    answer=$(/usr/lib/apt/apt-helper "${options[@]}" download-file "$release" "$1.release" 2>&1 | tr -d '\r') || :
    rm -f "$1.release"
    date=$(sed -n 's/^Date: //Ip' <<<"$answer" | tail -n 1)
    age=$(sed -n 's/^Age: \([0-9]*\)$/\1/Ip' <<<"$answer" | tail -n 1)
    [[ $date ]] && date=$(date -d "$date" +%s) && echo $((date + ${age:-0}))
}

# check_clock LOG ends with an error if the clock of this machine is more than a day away from that of the mirror.
check_clock() {
    local now there
    now=$(date +%s)
    there=$(mirror_time "$1") || {
        say "warning: the mirror does not report its time. If $(date -u +%F) is not today, set the clock of this machine"
        return 0
    }
    ((now - there > 86400 || there - now > 86400)) || return 0
    now=$(date -u -d "@$now" '+%F %R') there=$(date -u -d "@$there" '+%F %R')
    die "the clock of this machine is wrong: it shows $now, the clock of the mirror $there." \
        "Next: set the clock (UTC), and run again"
}

# diagnose LOG ends with the error that the log shows, and with the next step. It returns if the log shows none of them.
diagnose() {
    local log=$1 text line names
    text=$(what_failed "$log")
    found() { line=$(grep -E -m 1 -e "$1" <<<"$text" | sed -E 's/^ *(E|W|Err:[0-9]*): *//; s/[.:]$//'); }

    if found 'No space left on device|enough free space in'; then
        die "no space left on the disk: $line. Next: make $needed_space GB free in $cache, or set XDG_CACHE_HOME to a" \
            "directory on another disk, and run again"
    fi
    if found 'is not valid yet|Not live until'; then
        die "the clock of this machine shows $(date -u '+%F %R'), and the Debian archive is newer: $line." \
            "Next: set the clock (UTC), and run again"
    fi
    if found '^check: no package'; then
        names=$(sed -n 's/^check: no package //p' <<<"$text" | paste -sd ',' | sed 's/,/, /g')
        die "the Debian archive does not have all packages of toolchains/world/packages.txt: no $names. Next: if the mirror is" \
            "not complete, set BAZELW_MIRROR to another one; if Debian renamed a package, change its name in packages.txt"
    fi
    if found '(Depends|Breaks|Conflicts):? .* but |has no installation candidate|held broken packages|Unable to satisfy dependencies'; then
        line=$(sed 's/^ *//' <<<"$line")
        die "a package of the Debian archive needs another that it does not have: $line. Next: read $log; run again tomorrow, or" \
            "set BAZELW_MIRROR to another mirror or to a snapshot"
    fi
    if found 'provision: error: no linux-image-amd64'; then
        die "the Debian archive has no kernel: $line. Next: set BAZELW_MIRROR to a mirror that has the architecture amd64"
    fi
    if found 'does not have a Release file'; then
        die "the mirror does not have the suite $suite: $line. Next: set BAZELW_MIRROR to a mirror of Debian, such as" \
            "http://deb.debian.org/debian"
    fi
    if found '^E: .*(is not signed|NO_PUBKEY|EXPKEYSIG|signature)|GPG error|Signature verification failed'; then
        check_clock "$log"
        die "the signature of the Debian archive is not valid here: $line. Next: install the newest debian-archive-keyring, and" \
            "check BAZELW_MIRROR"
    fi
    if found '^ *E: .*(Could not (resolve|connect)|Connection (failed|timed out)|Unable to connect|Cannot initiate the connection|Temporary failure)'; then
        die "the Debian mirror is not reachable: $line. Next: check the network and the proxy (http_proxy, or" \
            "Acquire::http::Proxy of apt), or set BAZELW_MIRROR to another mirror"
    fi
    if found '^ *E: .*(Hash Sum mismatch|unexpected size|Mirror sync in progress)'; then
        die "a file of the mirror differs from its package lists: $line. Next: the mirror may be in the middle of an update:" \
            "run again in an hour, or set BAZELW_MIRROR to another mirror"
    fi
    if found '^ *E: .*Failed to fetch'; then
        die "the mirror does not have a file of its package lists: $line. Next: the mirror may be in the middle of an update:" \
            "run again in an hour, or set BAZELW_MIRROR to another mirror"
    fi
}
