package main

import (
	"context"
	"strings"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

// schemes are those of the targets that this plugin checks: host:port and tcp://host:port.
func schemes() []string { return []string{"tcp"} }

// connector attempts a target: it connects and resets the connection.
type connector struct{ dialer healthprobe.Dialer }

// attempt is a healthprobe.AttemptFunc.
func (k connector) attempt(ctx context.Context, target string, via healthprobe.Route) healthprobe.Attempt {
	if _, address, isURL := strings.Cut(target, "://"); isURL {
		target = address
	}
	c, err := k.dialer.Dial(ctx, target, via)
	if err != nil {
		return healthprobe.Attempt{Err: err}
	}
	_ = c.Close()
	return healthprobe.Attempt{Took: c.Took, Remote: c.Remote}
}
