package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	Interval      pluginsdk.Duration `json:"interval" default:"2s" min:"100ms" max:"1h" doc:"from the start of one request to a peer to the next"`
	Timeout       pluginsdk.Duration `json:"timeout" default:"2s" min:"10ms" max:"1m" doc:"a request whose whole answer, with the lookup of the name, takes longer has failed"`
	DegradedAfter pluginsdk.Duration `json:"degraded_after" default:"1s" min:"1ms" doc:"a slower answer makes a peer degraded"`
	Failures      int                `json:"failures" default:"3" min:"1" max:"100" doc:"failures in a row that make a peer unreachable"`
	Successes     int                `json:"successes" default:"2" min:"1" max:"100" doc:"successes in a row that make it healthy again"`
	Concurrency   int                `json:"concurrency" default:"128" min:"1" max:"65536" doc:"requests at the same time; also limited by how many files the plugin may open"`
	Status        []string           `json:"status" default:"200-299" min:"1" doc:"statuses of HTTP answers that are good, such as 200 or 200-299"`
	Body          string             `json:"body" doc:"text that HTTP answers have to contain in their first MiB; empty: any"`
	CAFile        string             `json:"ca_file" doc:"PEM file of the authorities that may have signed the peers' certificates, read again when it changes; empty: those of the system"`
	CertFile      string             `json:"cert_file" doc:"PEM file of this client's certificate; read again for every connection"`
	KeyFile       string             `json:"key_file" doc:"PEM file of the key of cert_file"`
	Expect        []expect           `json:"expect" doc:"other statuses and texts for some targets"`
}

// expect is what the answers of some targets have to be like.
type expect struct {
	Target string   `json:"target" required:"true" min:"1" doc:"the health of the peers that this is for, or its beginning; the longest one counts"`
	Status []string `json:"status" doc:"as above; empty: those above"`
	Body   string   `json:"body" doc:"as above; empty: any"`
}

// Validate checks what tags can't express. It uses neither files nor network.
func (c config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.DegradedAfter >= c.Timeout {
		bad("degraded_after: %s must be less than timeout (%s), or no answer can be slow", c.DegradedAfter, c.Timeout)
	}
	for _, f := range []struct{ key, path string }{{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}} {
		if f.path != "" && !filepath.IsAbs(f.path) {
			bad("%s: %q is not an absolute path", f.key, f.path)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		bad("cert_file and key_file belong together: set both or none")
	}
	if _, err := c.acceptance(); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
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
