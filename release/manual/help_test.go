// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
)

const text = `modhash counts modules. It does so
with care.

.ko files are modules.

Usage:
  modhash [flags]
  modhash [command]

Available Commands:
  help        Help about any command
  verify      Check modules

Flags:
  -h, --help   help for modhash

Use "modhash [command] --help" for more information about a command.
`

const want = `.TH MODHASH\-VERIFY 1 "" "rules_modhash" "User Commands"
.SH NAME
modhash\-verify \- Check modules
.SH SYNOPSIS
.nf
  modhash [flags]
  modhash [command]
.fi
.SH DESCRIPTION
.nf
modhash counts modules. It does so
with care.

\&.ko files are modules.
.fi
.SH COMMANDS
.nf
  help        Help about any command
  verify      Check modules
.fi
.SH OPTIONS
.nf
  \-h, \-\-help   help for modhash
.fi
`

func TestPage(t *testing.T) {
	h := parseHelp(text)
	if got := h.page("modhash-verify", "Check modules"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if want := []subcommand{{"help", "Help about any command"}, {"verify", "Check modules"}}; !slices.Equal(h.subcommands, want) {
		t.Errorf("got the subcommands %v, want %v", h.subcommands, want)
	}
}
