package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// PermissionError means that this process may not open any kind of ICMP socket. Its text
// names what to grant.
type PermissionError struct {
	Family family
	File   string // the plugin's file, "" if unknown
	cause  error
}

func newPermissionError(f family, raw, ping error) *PermissionError {
	file, err := os.Readlink("/proc/self/exe")
	if err != nil || strings.HasPrefix(file, "/memfd:") || strings.HasSuffix(file, " (deleted)") {
		file = "" // a copy in memory, which can't get capabilities
	}
	return &PermissionError{Family: f, File: file, cause: errors.Join(raw, ping)}
}

// Error names the remedies. One of them is enough.
func (e *PermissionError) Error() string {
	remedies := []string{
		`sysctl -w net.ipv4.ping_group_range="0 2147483647"`,
		"start the node with CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW)",
	}
	if e.File != "" {
		remedies = append(remedies, "setcap cap_net_raw+ep "+e.File)
	}
	return fmt.Sprintf("this process may open neither a raw nor an unprivileged ICMP socket for %s; grant one of: %s",
		e.Family, strings.Join(remedies, " | "))
}

// Unwrap returns the system's errors of both attempts.
func (e *PermissionError) Unwrap() error { return e.cause }
