package e2e

import (
	"strings"
	"testing"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// A check whose program is missing is a mistake of the entry, and no illness of the daemon.
func TestACheckWhoseProgramIsMissingSaysSo(t *testing.T) {
	t.Parallel()
	n := prepare(t, func(text string) string {
		return text + `
[[daemon]]
id = 79
name = "web"
command = ["/bin/sleep", "600"]
[daemon.health]
type = "exec"
command = ["/no/such/check"]
interval = "100ms"
`
	})
	if _, errs, code := n.meshos("validate"); code != 1 || !strings.Contains(errs, "daemon.health.command: there is no file /no/such/check") {
		t.Errorf("validate: exit %d\n%s", code, errs)
	}
	n.start("--stop-daemons")
	n.until("its health says why", func(s *meshosv1.Snapshot) bool {
		for _, d := range s.GetDaemons() {
			if d.GetDaemon().GetId() == 79 {
				return d.GetPid() != 0 && d.GetHealth().GetStatus() == meshosv1.DaemonHealth_STATUS_UNSPECIFIED &&
					strings.Contains(d.GetHealth().GetReason(), "it can't be checked: /no/such/check: no such file")
			}
		}
		return false
	})
	out, _, code := n.meshos("health", "--ignore-peers")
	if code != 1 || !strings.Contains(out, "1 daemon unchecked (it can't be checked: /no/such/check") {
		t.Errorf("health: exit %d\n%s", code, out)
	}
	if out := n.must("explain", "daemon", "79"); !strings.Contains(out, "its health is not known: it can't be checked") {
		t.Errorf("explain:\n%s", out)
	}
}
