# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Functions of ./bazelw, which sources this file. The store keeps the archives of all worlds: kernel sources, configurations,
# and module packages, which the Debian archive deletes when it has newer ones. The caller has locked the cache.
#
#   $store/sha256/DIGEST   a file, by the SHA-256 of its contents
#   $store/index.tsv       a record `archive` for each file, as in a manifest (provision.sh), without the mark; its PATH is
#                          only the name of the file
#
# The files are hard links to those of worlds, so they take space only once. All files appear in the store by a rename.

readonly index=$store/index.tsv

# place FROM TO makes the file TO by a hard link, or by a copy if that is not possible.
place() {
    ln -f "$1" "$2.tmp" 2>/dev/null || cp "$1" "$2.tmp" || return 1
    mv -f "$2.tmp" "$2"
}

has_digest() { [[ -f $1 && $(sha256sum <"$1") == "$2 "* ]]; }

# archives_of ROOT prints the records of the manifest of a world.
archives_of() {
    local manifest=$1/etc/rules_modhash/manifest.tsv
    [[ ! -e $manifest ]] || awk -F '\t' '$1 == "archive"' "$manifest"
}

# store_keep ROOT adds the archives of a world to the store.
store_keep() {
    local root=$1 name version path digest offered_by package
    mkdir -p "$store/sha256"
    while IFS=$'\t' read -r _ name version path digest offered_by package _; do
        if [[ ! -e $store/sha256/$digest ]]; then
            has_digest "$root$path" "$digest" || continue # what a world has lost is not there to keep
            place "$root$path" "$store/sha256/$digest" ||
                die "adding $name $version to $store failed: see above. Next: check the directory and the space, and run again"
        fi
        # In manifests of older recipes, the package is unknown unless the file is the package.
        [[ $package || $path != *.deb ]] || package=$digest
        printf 'archive\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$version" "${path##*/}" "$digest" "$offered_by" "${package:--}"
    done < <(archives_of "$root") >"$store/new.tmp"
    touch "$index"
    # A record replaces an earlier one of the same name and version. If it does not know the package, that of the earlier
    # record stays.
    awk -F '\t' -v OFS='\t' '
        { key = $2 FS $3 }
        $7 == "-" && $5 == digest[key] { $7 = package[key] }
        { digest[key] = $5; package[key] = $7; record[key] = $0 }
        END { for (key in record) print record[key] }' "$index" "$store/new.tmp" | LC_ALL=C sort >"$index.tmp"
    mv "$index.tmp" "$index"
    rm "$store/new.tmp"
}

# store_keep_worlds adds the archives of all worlds in the cache to the store, those of the newest world last.
store_keep_worlds() {
    local complete
    while IFS= read -r complete; do
        store_keep "$(dirname "$complete")/root"
    done < <(find "$cache" -mindepth 2 -maxdepth 2 -path '*/world-*/complete' -printf '%T@ %p\n' | sort -n | cut -d ' ' -f 2-)
}

# store_check removes files whose digest is not their name, and prints the records of the others. If a file of a package is
# not there, the package in the records of its other files is "-", so that all of it is downloaded again.
store_check() {
    local digest
    [[ -e $index ]] || return 0
    rm -f "$store"/sha256/*.tmp
    for digest in $(cut -f 5 "$index" | sort -u); do
        has_digest "$store/sha256/$digest" "$digest" && continue
        say "warning: the file $digest in $store is missing or damaged: this world has it only if the Debian archive does"
        rm -f "$store/sha256/$digest"
        echo "$digest"
    done >"$store/damaged.tmp"
    awk -F '\t' -v OFS='\t' '
        pass == 1 { damaged[$1] = 1; next }
        pass == 2 { if ($5 in damaged) incomplete[$7] = 1; next }
        $5 in damaged { next }
        $7 in incomplete { $7 = "-" }
        { print }' pass=1 "$store/damaged.tmp" pass=2 "$index" pass=3 "$index"
    rm "$store/damaged.tmp"
}

# store_supply ROOT adds the files to a new world that its manifest lists, and that provision.sh did not download.
store_supply() {
    local root=$1 name version path digest
    while IFS=$'\t' read -r _ name version path digest _; do
        [[ -e $root$path ]] && continue
        place "$store/sha256/$digest" "$root$path" ||
            die "copying $name $version from $store failed: see above. Next: check the directory and the space, and run again"
    done < <(archives_of "$root")
}

# store_size prints the space that the store takes, or fails if it is empty.
store_size() { [[ -s $index ]] && du -sh "$store" | cut -f 1; }
