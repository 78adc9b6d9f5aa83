// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"regexp"
	"slices"
	"strings"

	"rules_modhash/tools/archive/codec"
)

// releasePatterns know the release in the path of an image or module.
var releasePatterns = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|/)lib/modules/([^/]+)/`),
	regexp.MustCompile(`^(?:boot|boot/efi|efi)/[^/]+/([^/]+)/(?:linux|initrd)[^/]*$`),
	regexp.MustCompile(`(?:^|/)(?:vmlinuz|vmlinux|bzImage|zImage|Image|image|kernel|linux|initrd\.img|initrd|initramfs)-([^/]+)$`),
}

// imageSuffixes end the names of images after the release.
var imageSuffixes = append(codec.Suffixes(), ".img", ".efi", ".old", ".bak", ".signed", "-dtb")

// releaseInPath returns the release that a path names, "" if it names none. A known release that stands in the path as
// a whole is preferred, the longest first: 6.1.0 stands in initramfs-genkernel-x86_64-6.1.0.img, but not in 6.1.0-1.
func releaseInPath(name string, known []string) string {
	best := ""
	for _, release := range known {
		if len(release) > len(best) && standsIn(name, release) {
			best = release
		}
	}
	if best != "" {
		return best
	}
	for _, pattern := range releasePatterns {
		if match := pattern.FindStringSubmatch(name); match != nil {
			return trimImageSuffixes(match[1])
		}
	}
	return ""
}

// standsIn reports whether a release stands in a path with nothing around it that could be more of it. Short ones prove
// nothing.
func standsIn(name, release string) bool {
	if len(release) < 3 {
		return false
	}
	for rest, at := name, 0; ; {
		i := strings.Index(rest, release)
		if i < 0 {
			return false
		}
		before, after := name[:at+i], trimImageSuffixes(name[at+i+len(release):])
		if closes(before) && opens(after) {
			return true
		}
		at += i + 1
		rest = name[at:]
	}
}

// digestSuffix is the digest that ostree and kernel-install append.
var digestSuffix = regexp.MustCompile(`-[0-9a-f]{32,}$`)

func closes(s string) bool { return s == "" || strings.ContainsAny(s[len(s)-1:], "/-_.") }

// opens is strict: 6.1 does not stand in 6.1-rt.
func opens(s string) bool { return s == "" || s[0] == '/' }

func trimImageSuffixes(name string) string {
	name = digestSuffix.ReplaceAllString(name, "")
	for {
		i := slices.IndexFunc(imageSuffixes, func(s string) bool { return strings.HasSuffix(name, s) })
		if i < 0 {
			return name
		}
		name = strings.TrimSuffix(name, imageSuffixes[i])
	}
}
