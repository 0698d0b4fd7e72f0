package wire_test

import (
	"testing"

	"github.com/meshos/meshos/pluginsdk/wire"
)

func TestWhichHealthTargetsAProbeChecks(t *testing.T) {
	tests := []struct {
		named  []string
		target string
		want   bool
	}{
		{nil, "10.0.0.2:80", true},
		{nil, "tcp://10.0.0.2:80", false}, // a probe made before there were schemes
		{nil, "http://10.0.0.2", false},
		{nil, "", false},
		{[]string{"tcp"}, "10.0.0.2:80", true},
		{[]string{"tcp"}, "TCP://10.0.0.2:80", true},
		{[]string{"tcp"}, "http://10.0.0.2", false},
		{[]string{"HTTP", "https"}, "http://10.0.0.2", true},
		{[]string{"http", "https"}, "10.0.0.2:80", false},
		{[]string{"http"}, "", false},
	}
	for _, tt := range tests {
		if got := wire.ServesHealth(wire.HealthSchemes(tt.named), tt.target); got != tt.want {
			t.Errorf("%q for %q: %v", tt.named, tt.target, got)
		}
	}
}
