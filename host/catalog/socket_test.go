package catalog

import (
	"errors"
	"net"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// A connection is made while its plugin ends and the next one, whose socket may get the number of
// the last one's descriptor, starts.
func TestADialReachesItsSocketOrNoneWhileThatCloses(t *testing.T) {
	dir := t.TempDir()
	listen := func(name string) (path string, l *net.UnixListener) {
		path = filepath.Join(dir, name)
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return path, l
	}
	right, accepting := listen("right")
	wrong, _ := listen("wrong")
	var accepted sync.WaitGroup
	accepted.Go(func() {
		for {
			c, err := accepting.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
		}
	})
	for range 100 {
		s := &socket{path: right}
		begun := make(chan struct{}, 2)
		var dials sync.WaitGroup
		for range cap(begun) {
			dials.Go(func() {
				for n := 0; ; n++ {
					conn, err := s.dial(t.Context())
					if err == nil {
						if to := conn.RemoteAddr().String(); to != right {
							t.Errorf("connected to %s", to)
						}
						_ = conn.Close()
					}
					if n == 0 {
						begun <- struct{}{}
					}
					if err != nil && !errors.Is(err, unix.EAGAIN) { // that is a queue that is full
						if !errors.Is(err, net.ErrClosed) {
							t.Errorf("dial: %v", err)
						}
						return
					}
				}
			})
		}
		for range cap(begun) {
			<-begun
		}
		s.close()
		fd, err := unix.Open(wrong, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		dials.Wait()
		_ = unix.Close(fd)
		if _, err := s.dial(t.Context()); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("after close: %v", err)
		}
	}
	_ = accepting.Close()
	accepted.Wait()
}
