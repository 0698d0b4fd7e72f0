package health

import "github.com/meshos/meshos/host/mesh"

// Thresholds are how many answers of one kind in a row change the verdict. Both are at least 1.
type Thresholds struct {
	Failures  int // in a row: unhealthy
	Successes int // in a row: healthy
}

// Tally counts the answers of one daemon. The zero value is the verdict unknown.
type Tally struct {
	verdict   mesh.DaemonHealth
	failures  int // in a row
	successes int // in a row
}

// Verdict returns the present verdict.
func (t *Tally) Verdict() mesh.DaemonHealth { return t.verdict }

// Succeeded counts a good answer. Enough of them in a row make the daemon healthy; until then
// the verdict stays.
func (t *Tally) Succeeded(th Thresholds) {
	t.failures = 0
	t.successes = min(t.successes+1, th.Successes)
	if t.successes >= th.Successes {
		t.verdict = mesh.DaemonHealth{Status: mesh.DaemonHealthy}
	}
}

// Impossible forgets all answers: the daemon can't be checked, so nothing is known of it.
func (t *Tally) Impossible(reason string) {
	*t = Tally{verdict: mesh.DaemonHealth{Reason: reason}}
}

// Ignored forgets a bad answer of a daemon that may still be starting, and has no verdict: it
// says nothing yet.
func (t *Tally) Ignored() { *t = Tally{} }

// Failed counts a bad answer. The first makes a daemon degraded, enough of them in a row
// unhealthy, and it stays unhealthy until it is healthy again: a failure never improves a
// verdict. The reason is always that of the last failure.
func (t *Tally) Failed(reason string, th Thresholds) {
	t.successes = 0
	t.failures = min(t.failures+1, th.Failures)
	status := mesh.DaemonDegraded
	if t.failures >= th.Failures || t.verdict.Status == mesh.DaemonUnhealthy {
		status = mesh.DaemonUnhealthy
	}
	t.verdict = mesh.DaemonHealth{Status: status, Reason: reason}
}
