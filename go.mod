module rules_modhash

go 1.25.0

require (
	github.com/bazelbuild/buildtools v0.0.0-20250930140053-2eb4fccefb52
	golang.org/x/tools v0.40.0
)
