// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

// registerJobs adds the flag --jobs to all subcommands. It sets GOMAXPROCS, which is what all of them go by: make's
// -j, the number of compressors and strips that run at the same time, and this program's own threads. So a build
// action that declares N processors uses N.
func registerJobs(root *cobra.Command) {
	jobs := root.PersistentFlags().Int("jobs", runtime.GOMAXPROCS(0), "run `N` programs at the same time; default: one per processor")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *jobs < 1 {
			return fmt.Errorf("--jobs: got %d, want 1 or more", *jobs)
		}
		runtime.GOMAXPROCS(*jobs)
		return nil
	}
}
