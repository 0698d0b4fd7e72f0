package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// limitedGroup returns the folder of the innermost control group of this process that limits its
// memory or CPU; "" if none does. Only version 2 counts pressure by group.
func (r root) limitedGroup() string {
	for _, controller := range []string{"memory", "cpu"} {
		g := r.groups(controller)
		if !g.v2 {
			continue
		}
		for _, folder := range g.folders {
			for _, file := range []string{"memory.max", "memory.high", "cpu.max"} {
				value, _, _ := strings.Cut(line(folder, file), " ")
				if _, err := strconv.ParseUint(value, 10, 64); err == nil { // "max" is none
					return folder
				}
			}
		}
	}
	return ""
}

// groupPressure reads the pressure that the tasks of a control group feel. It is false if the
// kernel does not count it for groups.
func groupPressure(folder string) (all []pressure, ok bool) {
	for _, resource := range []string{"cpu", "memory", "io"} {
		text, err := os.ReadFile(filepath.Join(folder, resource+".pressure"))
		if err != nil {
			continue // the group does not have this controller
		}
		for l := range strings.Lines(string(text)) {
			if some, is := strings.CutPrefix(l, "some "); is {
				all = append(all, pressure{short: average(some, "avg10="), long: average(some, "avg60=")})
			}
		}
	}
	return all, len(all) > 0
}

// average returns a share of a line like "avg10=1.50 avg60=0.20 avg300=0.00 total=7".
func average(text, key string) float64 {
	for _, field := range strings.Fields(text) {
		if value, is := strings.CutPrefix(field, key); is {
			percent, _ := strconv.ParseFloat(value, 64)
			return percent / 100
		}
	}
	return 0
}
