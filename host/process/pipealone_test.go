package process_test

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/meshos/meshos/internal/testkit"
)

// takeAlone does that with the standard output of a process.
func takeAlone(t *testing.T, stdout io.Reader) {
	t.Helper()
	if !stdout.(interface{ TakeAlone(size int) bool }).TakeAlone(256 << 10) {
		t.Fatal("the pipe can't be taken from the poller")
	}
}

func TestAPipeTakenAloneLosesNothing(t *testing.T) {
	p := sh(t, spawner(t), "head -c 3000000 /dev/zero; sleep 0.1; echo end")
	var got bytes.Buffer
	if _, err := io.CopyN(&got, p.Stdout(), 1000); err != nil {
		t.Fatal(err)
	}
	takeAlone(t, p.Stdout())
	if _, err := io.Copy(&got, p.Stdout()); err != nil {
		t.Fatal(err)
	}
	if got.Len() != 3000004 || !bytes.HasSuffix(got.Bytes(), []byte("\x00end\n")) {
		t.Errorf("%d bytes came", got.Len())
	}
	exit(t, p)
}

// Whoever left the session holds the pipe open; what was written before is read all the same.
func TestAPipeTakenAloneEndsWithItsProcess(t *testing.T) {
	p := sh(t, spawner(t), "setsid sleep 60 & echo $!; echo last")
	takeAlone(t, p.Stdout())
	exit(t, p)
	read := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(p.Stdout())
		read <- all
	}()
	select {
	case all := <-read:
		if !bytes.HasSuffix(all, []byte("\nlast\n")) {
			t.Errorf("read %q", all)
		}
		endPid(t, all)
	case <-time.After(testkit.Patience):
		t.Fatal("the pipe does not end")
	}
}

func TestAPipeTakenAloneCanBeClosed(t *testing.T) {
	p := sh(t, spawner(t), "exec sleep 60")
	takeAlone(t, p.Stdout())
	ended := make(chan error, 1)
	go func() {
		_, err := p.Stdout().Read(make([]byte, 1))
		ended <- err
	}()
	if err := p.Stdout().Close(); err != nil {
		t.Error(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it was read")
		}
	case <-time.After(testkit.Patience):
		t.Fatal("the read does not end")
	}
	p.Stop(context.Background(), syscall.SIGKILL, 0)
}

// endPid kills the process whose id is the first line.
func endPid(t *testing.T, lines []byte) {
	t.Helper()
	first, _, _ := bytes.Cut(lines, []byte{'\n'})
	pid, err := strconv.Atoi(string(first))
	if err != nil {
		t.Fatal(err)
	}
	_ = syscall.Kill(pid, syscall.SIGKILL)
}
