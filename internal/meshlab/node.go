package meshlab

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/netlab"
)

// endsWithin is how long a node has to end before it is killed.
const endsWithin = 20 * time.Second

// Node is one node. Its methods may be called from any goroutine, but one at a time.
type Node struct {
	ID       int
	Name, IP string
	Dir      string // has the configuration, and all that the node writes
	Bin      string // has the binaries; another one counts from the next start on
	// ClockOff is how far the wall clock of the node's process is off, from the next start on.
	ClockOff time.Duration

	host *netlab.Host // nil: without a namespace
	more []string     // lines of the configuration
	cmd  *exec.Cmd
	out  output
	done chan struct{} // closed when the process has ended
}

// Config returns the path of the configuration.
func (n *Node) Config() string { return filepath.Join(n.Dir, "meshos.toml") }

// Socket returns the path at which the node's API answers.
func (n *Node) Socket() string { return filepath.Join(n.Dir, "run", "meshos.sock") }

// Data returns the data directory.
func (n *Node) Data() string { return filepath.Join(n.Dir, "var") }

// Listen returns the address on which the node takes links if it is a seed.
func (n *Node) Listen() string { return n.IP + ":" + strconv.Itoa(port) }

// Said returns what the node printed since its last start.
func (n *Node) Said() string { return n.out.String() }

// Command returns a command of the node's operator, which names its configuration.
func (n *Node) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(n.Bin, "meshos"), append([]string{"-c", n.Config()}, args...)...)
}

// Run runs a command, and returns what it printed.
func (n *Node) Run(ctx context.Context, args ...string) (string, error) {
	cmd := n.Command(ctx, args...)
	var out, errs output
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := n.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return out.String(), fmt.Errorf("%s: meshos %s: %w\n%s%s", n.Name, strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String(), nil
}

func (n *Node) start(cmd *exec.Cmd) error {
	if n.host == nil {
		return cmd.Start()
	}
	return n.host.Start(cmd)
}

// startNode starts the node's process, whose clock may be off.
func (n *Node) startNode(cmd *exec.Cmd) error {
	switch {
	case n.ClockOff == 0:
		return n.start(cmd)
	case n.host == nil:
		return errors.New("a node with a wrong clock needs a namespace of its own")
	}
	return n.host.Do(func() error { return startWrong(cmd, n.ClockOff) })
}

// Start starts the node's process. It may be started again once it has ended.
func (n *Node) Start() error {
	n.out.reset()
	n.cmd = n.Command(context.Background(), "run", "--stop-daemons")
	n.cmd.Stdout, n.cmd.Stderr = &n.out, &n.out
	n.cmd.WaitDelay = endsWithin
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // ^C is for whoever runs the lab
	if err := n.startNode(n.cmd); err != nil {
		n.cmd = nil
		return err
	}
	cmd, done := n.cmd, make(chan struct{})
	n.done = done
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	return nil
}

// Ask asks the node to end, if it runs.
func (n *Node) Ask() {
	if n.cmd != nil {
		_ = n.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// Stop ends the node, if it runs.
func (n *Node) Stop() error {
	if n.cmd == nil {
		return nil
	}
	n.Ask()
	select {
	case <-n.done:
		n.cmd = nil
		return nil
	case <-time.After(endsWithin):
		n.Kill()
		return fmt.Errorf("%s did not end within %s, and was killed", n.Name, endsWithin)
	}
}

// Kill kills the node's process, and waits until it has ended. What it started may go on.
func (n *Node) Kill() {
	if n.cmd == nil {
		return
	}
	_ = n.cmd.Process.Kill()
	<-n.done
	n.cmd = nil
}

// Signal sends a signal to the node's process.
func (n *Node) Signal(s syscall.Signal) error {
	if n.cmd == nil {
		return errors.New(n.Name + " does not run")
	}
	return n.cmd.Process.Signal(s)
}

// PID returns the node's process; 0 if it does not run.
func (n *Node) PID() int {
	if n.cmd == nil {
		return 0
	}
	return n.cmd.Process.Pid
}

// Running reports whether the node's process runs.
func (n *Node) Running() bool {
	if n.cmd == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// output keeps the last of what a process printed.
type output struct {
	mu   sync.Mutex
	text []byte
}

// maxOutput bounds what is kept, in bytes.
const maxOutput = 256 << 10

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, b...)
	if len(o.text) > 2*maxOutput {
		o.text = append(o.text[:0], o.text[len(o.text)-maxOutput:]...)
	}
	return len(b), nil
}

// String implements fmt.Stringer.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

func (o *output) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = nil
}
