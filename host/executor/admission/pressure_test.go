package admission_test

import (
	"testing"

	"github.com/meshos/meshos/host/executor/admission"
)

func TestADM12_ADepthOf1000Asserts(t *testing.T) {
	p := admission.Pressure{High: 1000, Low: 200}
	if got := p.At(999); got != admission.Steady {
		t.Errorf("at 999: %v", got)
	}
	if got := p.At(1000); got != admission.Asserted {
		t.Errorf("at 1000: %v", got)
	}
	if got := p.At(5000); got != admission.Steady {
		t.Errorf("at 5000: %v", got)
	}
}

func TestADM14_OnlyADepthOf200Releases(t *testing.T) {
	p := admission.Pressure{High: 1000, Low: 200}
	p.At(1000)
	for _, depth := range []int{500, 201} {
		if got := p.At(depth); got != admission.Steady {
			t.Errorf("at %d: %v", depth, got)
		}
	}
	if got := p.At(100); got != admission.Released {
		t.Errorf("at 100: %v", got)
	}
	p.At(1000)
	if got := p.At(200); got != admission.Released {
		t.Errorf("at 200: %v", got)
	}
}

func TestB5_Level(t *testing.T) {
	p := admission.Pressure{High: 1000, Low: 200}
	for depth, want := range map[int]float64{0: 0, 200: 0, 600: 0.5, 1000: 1, 9000: 1} {
		if got := p.Level(depth); got != want {
			t.Errorf("at %d: %v, want %v", depth, got, want)
		}
	}
}
