package catalog

import (
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"
)

// gRPC may still dial when a plugin that ended is released.
func TestASocketMayBeClosedWhileItIsDialed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	})
	for range 20 {
		s := &socket{path: path}
		var began, dials sync.WaitGroup
		for range 4 {
			began.Add(1)
			dials.Go(func() {
				for first := true; ; first = false {
					conn, err := s.dial(t.Context())
					if first {
						began.Done()
					}
					if err != nil {
						if !errors.Is(err, net.ErrClosed) {
							t.Errorf("%v, want that it is closed", err)
						}
						return
					}
					_, _ = conn.Read(make([]byte, 1)) // until the other side has taken and closed it
					_ = conn.Close()
				}
			})
		}
		began.Wait()
		s.close()
		dials.Wait()
	}
	_ = ln.Close()
	running.Wait()
}
