package main

import (
	"fmt"
	"time"

	"github.com/meshos/meshos/pluginsdk"
)

// maxOpenRounds limits how many rounds may wait for replies at the same time, and so the
// memory.
const maxOpenRounds = 10

type config struct {
	Interval pluginsdk.Duration `json:"interval" default:"1s" min:"100ms" max:"1h" doc:"from the start of one round to the next"`
	Timeout  pluginsdk.Duration `json:"timeout" default:"1s" min:"10ms" max:"1m" doc:"a reply that takes longer is late: it counts as lost, and its time is reported if there is no other, up to 10s"`
	Count    int                `json:"count" default:"3" min:"1" max:"20" doc:"echoes to each peer in a round; the sample is their median"`
	Resolve  pluginsdk.Duration `json:"resolve_interval" default:"60s" min:"1s" doc:"how often host names are looked up again"`
	Size     int                `json:"size" default:"56" min:"8" max:"65507" doc:"bytes of data in an echo, as ping counts them: without the 8 bytes of the ICMP header"`
	DF       bool               `json:"dont_fragment" doc:"forbid routers to fragment echoes: one that is larger than the path allows is lost, with that as the reason"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	if c.Timeout > maxOpenRounds*c.Interval {
		return fmt.Errorf("timeout: %s is more than %d intervals of %s; use a shorter timeout or a longer interval",
			c.Timeout, maxOpenRounds, c.Interval)
	}
	return nil
}

func (c config) settings() settings {
	return settings{interval: time.Duration(c.Interval), timeout: time.Duration(c.Timeout), count: c.Count, size: c.Size}
}
