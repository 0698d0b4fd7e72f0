package main

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
	"github.com/meshos/meshos/pluginsdk"
)

type config struct {
	Interval      pluginsdk.Duration `json:"interval" default:"1s" min:"100ms" max:"1h" doc:"from the start of one attempt at a peer to the next"`
	Timeout       pluginsdk.Duration `json:"timeout" default:"1s" min:"10ms" max:"1m" doc:"a connection attempt, with the lookup of the name, that takes longer has failed"`
	DegradedAfter pluginsdk.Duration `json:"degraded_after" default:"250ms" min:"1ms" doc:"a slower connection makes a peer degraded"`
	Failures      int                `json:"failures" default:"3" min:"1" max:"100" doc:"failures in a row that make a peer unreachable"`
	Successes     int                `json:"successes" default:"2" min:"1" max:"100" doc:"successes in a row that make it healthy again"`
	Concurrency   int                `json:"concurrency" default:"256" min:"1" max:"65536" doc:"attempts at the same time; also limited by how many files the plugin may open"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	if c.DegradedAfter >= c.Timeout {
		return fmt.Errorf("degraded_after: %s must be less than timeout (%s), or no connection can be slow", c.DegradedAfter, c.Timeout)
	}
	return nil
}

func (c config) settings() healthprobe.Settings {
	return healthprobe.Settings{
		Policy:      healthprobe.Policy{DegradedAfter: time.Duration(c.DegradedAfter), Failures: c.Failures, Successes: c.Successes},
		Interval:    time.Duration(c.Interval),
		Timeout:     time.Duration(c.Timeout),
		Concurrency: c.Concurrency,
		Schemes:     schemes(),
	}
}
