package pluginlog

import (
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// A plugin that writes without end must not keep the host busy.
func TestAFloodIsReadAtABoundedPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n, err := io.Copy(io.Discard, newPacedReader(io.LimitReader(endless{}, bytesAtOnce+10*bytesPerSecond)))
		if err != nil || n != bytesAtOnce+10*bytesPerSecond {
			t.Fatalf("%d bytes, %v", n, err)
		}
		if took := time.Since(began); took < 9*time.Second || took > 11*time.Second {
			t.Errorf("took %v, want 10 s", took)
		}
		began = time.Now()
		if _, err := io.Copy(io.Discard, newPacedReader(io.LimitReader(endless{}, bytesAtOnce))); err != nil || time.Since(began) > time.Second {
			t.Errorf("a burst took %v, %v", time.Since(began), err)
		}
	})
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
