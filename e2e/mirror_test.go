package e2e

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/internal/testkit"
)

// What daemons print goes to the node's own log too, up to what they print when they end
// with the node.
func TestTheLinesOfDaemonsAreMirrored(t *testing.T) {
	t.Parallel()
	const daemon = `
[[daemon]]
id = 78
name = "talker"
command = ["/bin/sh", "-c", "trap 'echo a last word; exit 0' TERM; echo good morning; while :; do sleep 0.1; done"]
`
	for _, mirrored := range []bool{true, false} {
		n := prepare(t, func(text string) string {
			if mirrored {
				text = strings.Replace(text, "[records]", "[records]\nmirror = \"stderr\"", 1)
			}
			return text + daemon
		}).start("--stop-daemons")
		n.until("a complete snapshot", complete)
		testkit.Until(t, "the daemon's line is in the records", func() bool { return strings.Contains(n.must("logs"), "good morning") })
		if mirrored {
			testkit.Until(t, "the line is mirrored", func() bool {
				return strings.Contains(n.out.String(), `"msg":"good morning","daemon":78,"name":"talker"`)
			})
		}
		n.end()
		said := n.out.String()
		if strings.Contains(said, "good morning") != mirrored || strings.Contains(said, `"msg":"a last word"`) != mirrored {
			t.Errorf("mirrored: %v, the node said:\n%s", mirrored, said)
		}
	}
}
