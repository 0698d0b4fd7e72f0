package main

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/shirou/gopsutil/v4/common"
)

// root is the folder below which the machine's proc and sys are: "/", or a fixture of a test.
type root string

// path returns a path below it.
func (r root) path(elements ...string) string {
	return filepath.Join(append([]string{string(r)}, elements...)...)
}

// context returns a context with which gopsutil reads below it.
func (r root) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: r.path("proc"), common.HostSysEnvKey: r.path("sys"),
	})
}

// line returns the first line of a small file, or "" if it can't be read.
func line(elements ...string) string {
	text, err := os.ReadFile(filepath.Join(elements...))
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(first)
}

// number returns the number in a small file, or 0 if there is none.
func number(elements ...string) uint64 {
	n, err := strconv.ParseUint(line(elements...), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
