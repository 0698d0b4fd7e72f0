package main

import (
	"crypto/ed25519"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"

	hostv1 "github.com/meshos/meshos/proto/meshos/host/v1"
)

// stage is a node with all that it needs, and what was done to it.
type stage struct {
	hostv1.HostClient
	dir     string
	root    bool
	rand    *rand.Rand
	ports   map[string]bool
	daemons []*daemon
	history *history
	signer  ssh.Signer
	conn    *grpc.ClientConn
	disk    bool // the data folder is a disk of its own
	drained bool
	unsure  bool      // of a drain it is not known whether it was taken
	node    *exec.Cmd // nil while none runs
	gone    chan error
	due     []due
	first   *figures // of the first peace
	last    figures
	printed linesFound
	ends    []time.Time // of the node, when it was killed
	full    []span      // when the disk was full
}

// diskSize is the size of the data folder's disk.
const diskSize = 256 << 20

func newStage(bin string, seed uint64, daemons int) (*stage, error) {
	dir, err := os.MkdirTemp("", "soak")
	if err != nil {
		return nil, err
	}
	s := &stage{dir: dir, root: os.Geteuid() == 0, rand: rand.New(rand.NewPCG(seed, seed)), ports: make(map[string]bool)}
	if s.history, err = newHistory(s.path("history")); err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	if s.signer, err = ssh.NewSignerFromKey(key); err != nil {
		return nil, err
	}
	for _, folder := range []string{"bin", "marks", "data"} {
		if err := os.Mkdir(s.path(folder), 0o755); err != nil {
			return nil, err
		}
	}
	for _, open := range []struct {
		path string
		mode os.FileMode
	}{{s.dir, 0o755}, {s.path("marks"), 0o777}} { // whatever the umask; daemons have users of their own
		if err := os.Chmod(open.path, open.mode); err != nil {
			return nil, err
		}
	}
	for name, text := range map[string]string{
		"signers": "operator " + string(ssh.MarshalAuthorizedKey(s.signer.PublicKey())),
		"env":     "SECRET=shadow\n", "secret": "open\n", "marks/wrong": "",
	} {
		if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(s.path("marks/wrong"), 0o666); err != nil {
		return nil, err
	}
	if err := copyFile(filepath.Join(absolute(bin), "meshos"), s.path("bin/meshos")); err != nil {
		return nil, err
	}
	if err := buildActor(s.actor()); err != nil {
		return nil, err
	}
	if err := unix.Mount("soak", s.path("data"), "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("size=%d,mode=700", diskSize)); err != nil {
		fmt.Printf("soak: the disk is never full, since this user may not mount one: %v\n", err)
	} else {
		s.disk = true
	}
	if !s.root {
		fmt.Println("soak: no daemon runs as another user, since that needs root")
	}
	s.hire(daemons)
	s.conn, err = grpc.NewClient("unix:"+s.path("s"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1, MaxDelay: 50 * time.Millisecond}}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(256<<20)))
	if err != nil {
		return nil, err
	}
	s.HostClient = hostv1.NewHostClient(s.conn)
	return s, nil
}

func (s *stage) path(name string) string { return filepath.Join(s.dir, name) }

func (s *stage) actor() string { return s.path("bin/actor") }

// configure writes the configuration.
func (s *stage) configure() error {
	next := s.path("meshos.toml.next")
	if err := os.WriteFile(next, []byte(s.configuration()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.path("meshos.toml"))
}

// startNode runs the node.
func (s *stage) startNode() error {
	if err := s.configure(); err != nil {
		return err
	}
	log, err := os.OpenFile(s.path("node.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(s.path("bin/meshos"), "run", "-c", s.path("meshos.toml"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the soak
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan error, 1)
	go func() { gone <- cmd.Wait() }()
	s.node, s.gone = cmd, gone
	s.history.add("start the node: %d", cmd.Process.Pid)
	return nil
}

// endNode sends the node a signal, and waits for its end.
func (s *stage) endNode(sig syscall.Signal) error {
	if s.node == nil {
		return nil
	}
	s.history.add("%v to the node %d", sig, s.node.Process.Pid)
	_ = s.node.Process.Signal(syscall.SIGCONT)
	_ = s.node.Process.Signal(sig)
	select {
	case <-s.gone:
	case <-time.After(time.Minute):
		return fmt.Errorf("the node does not end after %v", sig)
	}
	s.node = nil
	if sig == syscall.SIGKILL {
		s.ends = append(s.ends, time.Now())
	}
	return nil
}

// alive returns an error if the node has ended without being asked to.
func (s *stage) alive() error {
	if s.node == nil {
		return nil
	}
	select {
	case err := <-s.gone:
		s.node = nil
		return fmt.Errorf("the node ended by itself: %v; see %s", err, s.path("node.log"))
	default:
		return nil
	}
}

// end kills everything.
func (s *stage) end() {
	if s.node != nil {
		_ = s.node.Process.Kill()
		<-s.gone
	}
	for range 100 {
		all := s.look()
		for _, p := range all.all() {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
		if len(all.all()) == 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = s.conn.Close()
}

// remove removes the folder.
func (s *stage) remove() {
	if s.disk {
		_ = unix.Unmount(s.path("data"), unix.MNT_DETACH)
	}
	_ = os.RemoveAll(s.dir)
}
