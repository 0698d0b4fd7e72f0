package scrub

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, began := NewPace(1000), time.Now()
		for range 5 {
			if err := p.Take(t.Context(), 2000); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 8*time.Second {
			t.Errorf("10,000 bytes began to be read within %s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if p.Take(ctx, 1) == nil {
			t.Error("it does not wait for what was taken before")
		}
		time.Sleep(time.Hour)
		began = time.Now()
		_, _ = p.Take(t.Context(), 2000), p.Take(t.Context(), 1)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("what was not used was saved up: %s", took)
		}
	})
}
