package process_test

import (
	"context"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/host/process"
	"github.com/meshos/meshos/internal/testkit"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("PROCESS_TEST_HOST"); dir != "" {
		hostUntilKilled(dir)
	}
	if dir := os.Getenv("PROCESS_TEST_INIT"); dir != "" {
		initUntilClean(dir)
	}
	if os.Getenv("PROCESS_TEST_SLEEPS") != "" {
		time.Sleep(time.Hour)
	}
	if err := testkit.AtOnce(4); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// spawner returns a spawner that is closed at the end of the test.
func spawner(t *testing.T) *process.Spawner {
	t.Helper()
	s := process.NewSpawner()
	t.Cleanup(s.Close)
	return s
}

// sh starts a shell script; its pipes are closed at the end of the test.
func sh(t *testing.T, s *process.Spawner, script string, more ...func(*process.Spec)) *process.Process {
	t.Helper()
	spec := process.Spec{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=/usr/bin:/bin"}}
	for _, m := range more {
		m(&spec)
	}
	p, err := s.Start(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stdout().Close(); p.Stderr().Close() })
	return p
}

// exit waits for the end of p, but not for ever.
func exit(t *testing.T, p *process.Process) process.Exit {
	t.Helper()
	select {
	case <-p.Done():
		return p.Exit()
	case <-time.After(testkit.Patience):
		t.Fatalf("process %d did not end", p.Pid())
		return process.Exit{}
	}
}
