package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

func TestProbeMeasuresAPeerNow(t *testing.T) {
	t.Parallel()
	n := prepare(t)
	n.write(fmt.Sprintf(`[node]
id = 1
listen = %q
[loop]
tick_interval = "50ms"
[plugins]
dir = %q
[[plugin]]
name = "locality-icmp"
[[plugin]]
name = "health-http"
[plugin.config]
interval = "1h"
timeout = "20s"
degraded_after = "15s"
[[plugin]]
name = "health-tcp"
[[plugin]]
name = "constant-rtt"
path = %q
[plugin.config]
rtt = "7ms"
[[peer]]
id = 2
name = "mirror"
address = "127.0.0.1"
health = "http://%[1]s/healthz"
[[peer]]
id = 3
name = "nowhere"
health = "127.0.0.1:1"
`, n.listen, filepath.Join(bin, "plugins"), filepath.Join(bin, "examples", "constant-rtt")))
	n.start()
	pings := mayPing()
	var out string
	testkit.Until(t, "all probes have answered", func() bool {
		var code int
		out, _, code = n.meshos("probe", "mirror", "--mtu")
		return code == 0 && strings.Contains(out, "ago: rtt 7ms") && strings.Contains(out, "health-http\n  healthy\n") &&
			(!pings || strings.Contains(out, "path MTU: 65535 bytes"))
	})
	for _, want := range []string{"peer 2 (mirror)\n", "constant-rtt\n  its last sample, "} {
		if !strings.Contains(out, want) {
			t.Errorf("without %q:\n%s", want, out)
		}
	}
	if strings.Contains(out, "health-tcp") {
		t.Errorf("health-tcp is not concerned:\n%s", out)
	}
	if pings && !strings.Contains(out, "3 of 3 echoes answered, rtt ") {
		t.Errorf("no echoes:\n%s", out)
	}

	out, errs, code := n.meshos("probe", "3")
	if code != 1 || errs != "" || !strings.Contains(out, "health-tcp\n  unreachable: refused: nobody listens\n") {
		t.Errorf("nobody listens: exit %d\n%s%s", code, out, errs)
	}
	if out := n.must("probe", "2", "-o", "json"); !strings.Contains(out, `"measured": true`) {
		t.Errorf("json:\n%s", out)
	}
	for name, want := range map[string]string{"4": "no peer 4", "nobody": "never heard of peer", "1": "this node itself"} {
		if _, errs, code := n.meshos("probe", name); code == 0 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d\n%s", name, code, errs)
		}
	}
}
