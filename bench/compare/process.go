package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuTime returns how much CPU time all threads of a running process have used, in seconds. It
// is exact to the nanosecond, where /proc/PID/stat counts in hundredths of a second.
func cpuTime(pid int) (float64, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err == nil && len(threads) == 0 {
		err = fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
	}
	if err != nil {
		return 0, err
	}
	var sum float64
	for _, path := range threads {
		data, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return 0, err
		}
		ran, err := strconv.ParseFloat(strings.Fields(string(data))[0], 64)
		if err != nil {
			return 0, err
		}
		sum += ran / float64(time.Second)
	}
	return sum, nil
}

// usage returns how much CPU time a process uses while work is done.
func usage(pid int, work func() error) (float64, error) {
	before, err := cpuTime(pid)
	if err != nil {
		return 0, err
	}
	if err := work(); err != nil {
		return 0, err
	}
	after, err := cpuTime(pid)
	return after - before, err
}

// rest waits, unless ctx ends before.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// service is a peer program that goes on until it is ended.
type service struct{ cmd *exec.Cmd }

// serve starts a peer program and waits until it answers at a URL.
func serve(ctx context.Context, url, program string, args ...string) (*service, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	var said tail
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &service{cmd}
	for range 100 {
		if _, err := get(ctx, url); err == nil {
			return s, nil
		}
		if err := rest(ctx, 100*time.Millisecond); err != nil {
			break
		}
	}
	s.end()
	return nil, fmt.Errorf("%s does not answer at %s: %s", program, url, said.text)
}

func (s *service) pid() int { return s.cmd.Process.Pid }

func (s *service) end() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// tail keeps the last of what a program says. It is read once the program has ended.
type tail struct{ text string }

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text += string(p)
	t.text = t.text[max(0, len(t.text)-1000):]
	return len(p), nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, response.Status)
	}
	return body, err
}

// freePort returns a port on which nobody listens at the moment.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	address := l.Addr().String()
	return address, l.Close()
}
