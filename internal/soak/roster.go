package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// daemon is one daemon of the node, as the soak knows it.
type daemon struct {
	id      int
	sort    string
	traits  string   // of its actor
	keys    []string // of its entry
	tables  string   // [daemon.health] and the like
	oneShot bool     // ends by itself for good
	leaves  bool     // its children go on without it
	child   bool     // it has one
	always  bool     // it is essential
	needs   int      // the daemon that it requires; 0: none

	present bool                         // in the configuration
	run     bool                         // as that says
	version int                          // another one is another environment
	ordered meshosv1.DaemonIntent_Intent // counts more than run
	unsure  bool                         // of an order it is not known whether it was taken
	cut     int                          // how often its shim was killed, and what was on its way with it
	rerun   int                          // how many runs of a one-shot were asked for, beside the first
}

// wanted reports whether it should run, as configuration and orders say.
func (d *daemon) wanted() bool {
	switch d.ordered {
	case meshosv1.DaemonIntent_INTENT_RUN:
		return d.present
	case meshosv1.DaemonIntent_INTENT_STOP:
		return false
	}
	return d.present && d.run
}

// runs reports whether a daemon should run now.
func (s *stage) runs(d *daemon) bool {
	if !d.wanted() || s.drained && !d.always {
		return false
	}
	return d.needs == 0 || !s.daemons[d.needs-1].present || s.runs(s.daemons[d.needs-1])
}

// sorts are what the daemons are; there is one of each, and then again.
func (s *stage) sorts() []func(d *daemon) {
	health := func(kind, more string) string {
		return "[daemon.health]\ntype = \"" + kind + "\"\ninterval = \"1s\"\ntimeout = \"5s\"\n" + more
	}
	all := []func(d *daemon){
		func(d *daemon) { d.sort = "plain" },
		func(d *daemon) { d.sort, d.traits = "chatty", "line=20ms" },
		func(d *daemon) { d.sort, d.traits = "deaf", "deaf" },
		func(d *daemon) { d.sort, d.traits, d.child = "with a child", "children", true },
		func(d *daemon) {
			d.sort, d.traits, d.child = "with a deaf child, mixed", "children deaf", true
			d.keys = append(d.keys, `kill_mode = "mixed"`)
		},
		func(d *daemon) {
			d.sort, d.traits, d.leaves, d.child = "leaves its child", "children leaves", true, true
			d.keys = append(d.keys, `kill_mode = "process"`)
		},
		func(d *daemon) { d.sort, d.traits = "crashes", "exit=3" },
		func(d *daemon) { d.sort, d.traits, d.child = "ends", "exit=0 children", true },
		func(d *daemon) {
			d.sort, d.traits, d.oneShot = "one-shot", "work=0", true
			d.keys = append(d.keys, `restart = "never"`)
		},
		func(d *daemon) {
			d.sort, d.traits, d.oneShot = "on-failure", "work=2", true
			d.keys = append(d.keys, `restart = "on-failure"`)
		},
		func(d *daemon) {
			d.sort, d.traits = "env_file", "secret=shadowopen"
			d.keys = append(d.keys, fmt.Sprintf("env_file = %q", s.path("env")))
		},
		func(d *daemon) {
			d.sort, d.traits = "hooks", "before afterwards"
			d.keys = append(d.keys, fmt.Sprintf("pre_start = [%q, \"before\"]\npost_stop = [%q, \"afterwards\"]", s.actor(), s.actor()))
		},
		func(d *daemon) {
			d.sort, d.traits, d.child = "limits", "children", true
			d.tables = "[daemon.limits]\nmemory = \"256MiB\"\nprocesses = 100\nfiles = 256\ncore = 0\n"
		},
		func(d *daemon) {
			d.sort = "exec check"
			d.tables = health("exec", fmt.Sprintf("command = [%q, \"check\"]\non_unhealthy = \"restart\"\nfailures = 2\n", s.actor()))
		},
		func(d *daemon) {
			d.sort, d.traits = "tcp check", "port="+s.port()
			d.tables = health("tcp", fmt.Sprintf("target = \"127.0.0.1:%s\"\nstart_period = \"5s\"\n", d.traits[5:]))
		},
		func(d *daemon) {
			d.sort, d.traits = "http check", "port="+s.port()
			d.tables = health("http", fmt.Sprintf("target = \"http://127.0.0.1:%s/\"\non_unhealthy = \"restart\"\nfailures = 2\n", d.traits[5:]))
		},
		func(d *daemon) { d.sort, d.needs = "requires", d.id-1 },
		func(d *daemon) {
			d.sort, d.always = "essential", true
			d.keys = append(d.keys, "essential = true")
		},
		func(d *daemon) {
			d.sort = "reloads"
			d.keys = append(d.keys, `reload_signal = "SIGHUP"`, `stop_signal = "SIGINT"`)
		},
	}
	if s.root {
		all = append(all, func(d *daemon) {
			d.sort, d.traits, d.child = "user", "uid=65534 children", true
			d.keys = append(d.keys, "user = 65534\ngroup = 65534", "nice = 3", `umask = "0027"`)
		})
	}
	return all
}

// hire makes the daemons.
func (s *stage) hire(n int) {
	sorts := s.sorts()
	for id := 1; id <= n; id++ {
		d := &daemon{id: id, present: true, run: true}
		sorts[(id-1)%len(sorts)](d)
		s.daemons = append(s.daemons, d)
	}
}

// port returns a port that is free now, below those that the kernel gives away.
func (s *stage) port() string {
	for {
		port := fmt.Sprint(20000 + rand.IntN(10000)) // what is free does not depend on the seed
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil && !s.ports[port] {
			s.ports[port] = true
			_ = l.Close()
			return port
		}
	}
}

// entry returns the daemon's entry in the configuration.
func (s *stage) entry(d *daemon) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[[daemon]]\nid = %d\nname = %q\ncommand = [%q, \"main\"]\nrun = %v\n", d.id, strings.ReplaceAll(d.sort, " ", "-")+fmt.Sprint("-", d.id), s.actor(), d.run)
	fmt.Fprintf(&b, "env = { SOAK = %q, SOAK_ID = \"%d\", SOAK_TRAITS = %q, SOAK_VERSION = \"%d\", FROM_FILE = { file = %q } }\n",
		s.path("marks"), d.id, d.traits, d.version, s.path("secret"))
	if d.needs != 0 && s.daemons[d.needs-1].present {
		fmt.Fprintf(&b, "requires = [%q]\n", fmt.Sprint(d.needs))
	}
	for _, key := range d.keys {
		fmt.Fprintln(&b, key)
	}
	fmt.Fprintln(&b, d.tables)
	return b.String()
}

// configuration returns the whole file.
func (s *stage) configuration() string {
	var b strings.Builder
	fmt.Fprintf(&b, `[node]
id = 1
name = "soak"
listen = ""
data_dir = "data"
socket = "s"

[loop]
tick_interval = "200ms"

[operators]
signers = "signers"

[restart]
initial = "100ms"
max = "1s"
crash_loop_threshold = 8
crash_loop_window = "5s"
crash_loop_cooldown = "2s"
stable_run = "3s"
stop_grace = "1s"

[maintenance]
recovery_ramp = "1s"

`)
	for _, d := range s.daemons {
		if d.present {
			b.WriteString(s.entry(d))
		}
	}
	return b.String()
}
