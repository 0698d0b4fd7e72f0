package mesh_test

import (
	"strings"
	"testing"

	"github.com/meshos/meshos/host/mesh"
)

func TestBadStream(t *testing.T) {
	for _, name := range []string{"ORDERS", "c", "c7a", "cc7", "orders-of_2026"} {
		if why := mesh.BadStream(name); why != "" {
			t.Errorf("%q: %s", name, why)
		}
	}
	for _, name := range []string{"ADMIN", "c7", "a.b", "a b", "a*", ">", "../x", `a\b`, "größe", strings.Repeat("x", 200)} {
		if mesh.BadStream(name) == "" {
			t.Errorf("%q may be taken over", name)
		}
	}
}
