package main

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/backup"
	"github.com/meshos/meshos/host/records"
)

// showMissingOfBackup compares what was found of each chain with what a backup says that it
// holds, and shows what is missing. It returns in how many places something is. A folder that is
// no backup has nothing to compare.
func (a *app) showMissingOfBackup(dir string, found map[string]uint64) (missing int, err error) {
	if filepath.Base(dir) == "records" {
		dir = filepath.Dir(dir)
	}
	m, err := backup.ReadManifest(dir)
	if m == nil || err != nil {
		return 0, err
	}
	say := func(format string, args ...any) {
		missing++
		_, _ = fmt.Fprintf(a.out, "backup   %s: %s\n", a.color(a.out).Apply(view.Bad, "incomplete"), fmt.Sprintf(format, args...))
	}
	if !m.Complete {
		say("it was not finished: run meshos records backup again")
	}
	for _, chain := range slices.Sorted(maps.Keys(m.Chains)) {
		has := m.Chains[chain]
		got, walked := found[chain]
		if !slices.Contains(records.Names(), chain) {
			continue // the ordered log, which has its own check
		}
		switch {
		case !walked && has.Records > 0:
			say("backup.json lists %s of %s, and its folder is gone", view.Counted(int(has.Records), "record"), chain)
		case got < has.Records:
			say("backup.json lists %s of %s, and %d are there", view.Counted(int(has.Records), "record"), chain, got)
		}
	}
	if missing == 0 {
		_, _ = fmt.Fprintf(a.out, "backup   %s: all that backup.json lists, of %s\n", a.color(a.out).Apply(view.Good, "good"), m.TakenAt.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	return missing, nil
}
